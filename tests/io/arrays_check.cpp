// For scripts/arrays_check.sh: reads a file of NumPy's or PyTorch's and writes what it holds.
#include <gradus/framework/base/error.h>
#include <gradus/framework/io/npy.h>
#include <gradus/framework/io/npz.h>
#include <gradus/framework/io/pt.h>

#include <iostream>
#include <string>

int main(int argc, char** argv) {
  using namespace gradus;
  if (argc != 4) {
    std::cerr << "usage: arrays_check npy|npz|compressed|pt IN OUT\n";
    return 2;
  }
  const std::string form = argv[1], in = argv[2], out = argv[3];
  try {
    if (form == "npy") {
      save_npy(load_npy(in), out);
    } else {
      save_npz(form == "pt" ? load_pt(in) : load_npz(in), out, {.compress = form == "compressed"});
    }
  } catch (const Error& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
