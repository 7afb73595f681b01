// Runs our side and the peers in alternation and prints the ratios; run.sh builds and calls it.
//
// Each side is one process per workload and variant, pinned to the same cores, that is told to run
// so many steps. A round runs all of them once, every other round in reverse, so that a slow
// minute of the machine meets all alike. A ratio is peer / ours within a round; rows give medians.

#include <algorithm>
#include <chrono>
#include <csignal>
#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <thread>

#include "process.h"
#include "workloads.h"

namespace {

using peers::Process;

struct Options {
  std::string inputs, ours, json;
  std::vector<std::string> peers, filters;
  std::vector<int> threads, cores;
  int rounds = 15;
  double seconds = 0.1;  // a process runs about so long in a round
};

/// What a binary says of itself, and whether it is our side.
struct Binary {
  std::string path, library;
  bool ours = false;
  std::vector<std::pair<std::string, std::string>> variants;  // workload, variant
};

/// One process in the alternation and what it has measured.
struct Contender {
  const Binary* binary = nullptr;
  std::string variant;
  int threads = 1;
  std::unique_ptr<Process> process;
  double loss = 0, moved = 0;
  int64_t steps = 1;
  std::vector<double> milliseconds;  // per step, one a round
  std::vector<double> ratios;        // to ours on the row's threads, one a round
  std::vector<double> megabytes;     // whole processes: largest resident size
  bool agrees = true;                // with ours
};

double quantile(std::vector<double> values, double q) {
  std::sort(values.begin(), values.end());
  return values[static_cast<size_t>(q * static_cast<double>(values.size() - 1) + 0.5)];
}

double median(const std::vector<double>& values) { return quantile(values, 0.5); }

std::vector<int> integers(const std::string& list) {
  std::vector<int> values;
  std::istringstream stream(list);
  for (std::string word; std::getline(stream, word, ',');) values.push_back(std::stoi(word));
  return values;
}

std::string format(const char* form, double value) {
  char text[64];
  std::snprintf(text, sizeof(text), form, value);
  return text;
}

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

/// JSON has no NaN and no infinity.
std::string number(double value) { return std::isfinite(value) ? format("%.9g", value) : "null"; }

/// A JSON object, its fields in the order in which they are added.
class Json {
 public:
  Json& text(const std::string& key, const std::string& value) { return raw(key, quoted(value)); }
  Json& real(const std::string& key, double value) { return raw(key, number(value)); }
  Json& integer(const std::string& key, int value) { return raw(key, std::to_string(value)); }
  Json& boolean(const std::string& key, bool value) { return raw(key, value ? "true" : "false"); }
  Json& raw(const std::string& key, const std::string& value) {
    body_ += (body_.empty() ? "" : ", ") + quoted(key) + ": " + value;
    return *this;
  }
  std::string str() const { return "{" + body_ + "}"; }

 private:
  std::string body_;
};

std::string cpu_name() {
  std::ifstream file("/proc/cpuinfo");
  std::map<std::string, std::string> first;
  for (std::string line; std::getline(file, line) && !line.empty();) {
    const size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    std::string value = line.substr(std::min(line.size(), colon + 2));
    first[line.substr(0, line.find_first_of("\t:"))] = std::move(value);
  }
  return first["model name"] + ", family " + first["cpu family"] + " model " + first["model"];
}

std::vector<int> allowed_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  sched_getaffinity(0, sizeof(set), &set);
  std::vector<int> cores;
  for (int core = 0; core < CPU_SETSIZE; ++core) {
    if (CPU_ISSET(static_cast<size_t>(core), &set)) cores.push_back(core);
  }
  return cores;
}

/// The last `threads` of the cores: the first ones serve most interrupts.
std::vector<int> cores_for(const Options& options, int threads) {
  return {options.cores.end() - threads, options.cores.end()};
}

Process::Environment environment(int threads, bool passive) {
  const std::string count = std::to_string(threads);
  Process::Environment all{
      {"OMP_NUM_THREADS", count}, {"OPENBLAS_NUM_THREADS", count}, {"MKL_NUM_THREADS", count}};
  if (passive) all.emplace_back("OMP_WAIT_POLICY", "passive");
  return all;
}

Binary describe(const std::string& path, bool ours) {
  Process process({path, "describe"}, {}, {});
  Binary binary{path, process.read_line(), ours, {}};
  for (std::string line; process.try_read_line(line);) {
    const size_t space = line.find(' ');
    binary.variants.emplace_back(line.substr(0, space), line.substr(space + 1));
  }
  return binary;
}

/// Starts one process, takes its loss and the way of its weights after 50 steps, and finds out how
/// many steps fill a turn. It may use the cores of `row_threads` threads.
Contender start_one(const Options& options, const Binary& binary, const std::string& workload,
                    const std::string& variant, int threads, int row_threads, bool passive) {
  Contender c;
  c.binary = &binary;
  c.threads = threads;
  c.variant = variant + (passive ? ", OMP_WAIT_POLICY=passive" : "");
  c.process =
      std::make_unique<Process>(std::vector<std::string>{binary.path, "serve", workload, variant,
                                                         std::to_string(threads), options.inputs},
                                cores_for(options, row_threads), environment(threads, passive));
  c.process->read_line();
  std::istringstream(c.process->ask("check 50")) >> c.loss >> c.moved;
  const double warm = std::stod(c.process->ask("run 16")) / 16;
  c.steps = std::max<int64_t>(2, std::llround(options.seconds / warm));
  return c;
}

/// Starts all that can run `workload`. A row of several threads has two more kinds of contender:
/// ours on one thread, for the gain, and a peer whose threads wait passively, since the thread
/// pools inside one library can fight.
std::vector<Contender> start(const Options& options, const std::vector<Binary>& binaries,
                             const std::string& workload, int threads) {
  std::vector<Contender> all;
  for (const Binary& binary : binaries) {
    for (const auto& [name, variant] : binary.variants) {
      if (name != workload) continue;
      all.push_back(start_one(options, binary, name, variant, threads, threads, false));
      if (threads == 1) continue;
      all.push_back(binary.ours
                        ? start_one(options, binary, name, variant, 1, threads, false)
                        : start_one(options, binary, name, variant, threads, threads, true));
    }
  }
  return all;
}

/// The rule of the comparison: losses after 50 steps agree to 1e-3, and so does, relatively, how
/// far the weights moved (a loss that hardly moves would not notice a wrong step).
bool agree(const Contender& a, const Contender& b) {
  return std::abs(a.loss - b.loss) <= 1e-3 && std::abs(a.moved - b.moved) <= 1e-3 * b.moved;
}

void take_turn(Contender& c) {
  std::this_thread::sleep_for(std::chrono::milliseconds(5));  // idle threads stop spinning
  const double seconds = std::stod(c.process->ask("run " + std::to_string(c.steps)));
  c.milliseconds.push_back(seconds / static_cast<double>(c.steps) * 1e3);
}

void alternate(std::vector<Contender>& contenders, int rounds) {
  for (int round = 0; round < rounds; ++round) {
    for (Contender& c : contenders) take_turn(c);
    std::reverse(contenders.begin(), contenders.end());
  }
  if (rounds % 2 != 0) std::reverse(contenders.begin(), contenders.end());
}

/// The fastest of the contenders that `admit` lets in, or null.
template <class Admit>
const Contender* fastest(const std::vector<Contender>& contenders, Admit admit) {
  const Contender* best = nullptr;
  for (const Contender& c : contenders) {
    if (!admit(c)) continue;
    if (best == nullptr || median(c.milliseconds) < median(best->milliseconds)) best = &c;
  }
  return best;
}

/// The entry of one library and variant in a row's "peers".
std::string to_json(const Contender& c) {
  Json json;
  json.text("peer", c.binary->library).text("variant", c.variant);
  json.real("ms", median(c.milliseconds));
  if (!c.ratios.empty()) json.real("ratio", median(c.ratios));
  if (!c.megabytes.empty()) return json.real("rss_mb", median(c.megabytes)).str();
  return json.real("loss", c.loss).real("moved", c.moved).boolean("void", !c.agrees).str();
}

/// The fields of a row about our side and about the fastest peer; either may be missing.
void add_sides(Json& json, const Contender* ours, const Contender* peer) {
  const auto add = [&](const Contender& c, const std::string& side) {
    json.real(side + "_ms", median(c.milliseconds)).text(side + "_variant", c.variant);
    if (!c.megabytes.empty()) {
      json.real(side + "_rss_mb", median(c.megabytes));
    } else {
      json.real("loss_" + side, c.loss).real("moved_" + side, c.moved);
    }
  };
  if (ours != nullptr) add(*ours, "ours");
  if (peer != nullptr) add(*peer, "peer");
  if (peer != nullptr) json.text("peer", peer->binary->library);
  if (peer == nullptr || peer->ratios.empty()) return;
  json.real("ratio", median(peer->ratios)).real("ratio_p25", quantile(peer->ratios, 0.25));
  json.real("ratio_p75", quantile(peer->ratios, 0.75));
}

/// One line of the table: ours, then a column for each library with its fastest variant.
void print_row(const std::string& workload, int threads, const Contender* ours,
               const Contender* alone, const std::vector<Binary>& binaries,
               const std::vector<Contender>& contenders) {
  std::printf("%-26s %d thread%s", workload.c_str(), threads, threads == 1 ? " " : "s");
  if (ours != nullptr) std::printf("  ours %9.4f ms", median(ours->milliseconds));
  if (alone != nullptr) std::printf(" (%.2fx one thread)", median(alone->ratios));
  if (ours != nullptr && !ours->megabytes.empty()) {
    std::printf(" %.1f MB", median(ours->megabytes));
  }
  for (const Binary& binary : binaries) {
    const Contender* c =
        fastest(contenders, [&](const Contender& x) { return x.binary == &binary; });
    if (c == nullptr || binary.ours) continue;
    std::printf("  | %s %9.4f ms", binary.library.c_str(), median(c->milliseconds));
    if (!c->ratios.empty()) {
      std::printf(" %6.2fx [%.2f, %.2f]", median(c->ratios), quantile(c->ratios, 0.25),
                  quantile(c->ratios, 0.75));
    }
    std::printf(" %s", c->variant.c_str());
    if (!c->megabytes.empty()) std::printf(" %.1f MB", median(c->megabytes));
    if (!c->agrees) {
      std::printf(" VOID: loss %.6g, ours %.6g; weights moved %.6g, ours %.6g", c->loss, ours->loss,
                  c->moved, ours->moved);
    }
  }
  std::printf("\n");
  std::fflush(stdout);
}

/// One finished row.
struct Report {
  std::string json;
  bool is_void = false;
};

/// Compares the contenders of a row with ours, prints it and puts it into JSON.
Report report(const Options& options, const std::vector<Binary>& binaries,
              const std::string& workload, int threads, std::vector<Contender>& contenders) {
  const auto ours_on = [&](int count) {
    return fastest(contenders,
                   [=](const Contender& c) { return c.binary->ours && c.threads == count; });
  };
  const Contender* ours = ours_on(threads);
  for (Contender& c : contenders) {
    if (ours == nullptr || &c == ours) continue;
    c.agrees = agree(*ours, c);
    for (size_t i = 0; i < c.milliseconds.size(); ++i) {
      c.ratios.push_back(c.milliseconds[i] / ours->milliseconds[i]);
    }
  }
  const Contender* alone = threads > 1 ? ours_on(1) : nullptr;
  print_row(workload, threads, ours, alone, binaries, contenders);
  const Contender* peer = fastest(contenders, [](const Contender& c) { return !c.binary->ours; });
  Json json;
  json.text("workload", workload).integer("threads", threads);
  add_sides(json, ours, peer);
  if (alone != nullptr) json.real("gain_over_one_thread", median(alone->ratios));
  json.boolean("void", peer != nullptr && !peer->agrees);
  json.integer("rounds", options.rounds).text("cpu", cpu_name());
  std::string list;
  for (const int core : cores_for(options, threads)) {
    list += (list.empty() ? "" : ", ") + std::to_string(core);
  }
  json.raw("cores", "[" + list + "]").text("malloc", "default");
  list.clear();
  for (const Contender& c : contenders) {
    if (!c.binary->ours) list += (list.empty() ? "" : ", ") + to_json(c);
  }
  json.raw("peers", "[" + list + "]");
  return {json.str(), peer != nullptr && !peer->agrees};
}

Report measure(const Options& options, const std::vector<Binary>& binaries,
               const std::string& workload, int threads) {
  std::vector<Contender> contenders = start(options, binaries, workload, threads);
  alternate(contenders, options.rounds);
  return report(options, binaries, workload, threads, contenders);
}

/// The row of whole processes: hello-train, from start to end, and its largest resident size.
Report measure_hello(const Options& options, const std::vector<Binary>& binaries) {
  std::vector<Contender> contenders;
  for (const Binary& binary : binaries) {
    contenders.emplace_back();
    contenders.back().binary = &binary;
    contenders.back().variant = "process";
  }
  for (int round = -1; round < options.rounds; ++round) {  // the first warms the page cache
    for (Contender& c : contenders) {
      const std::string path = c.binary->path.substr(0, c.binary->path.rfind('/')) + "/hello-train";
      const auto start = std::chrono::steady_clock::now();
      Process process({path}, cores_for(options, 1), environment(1, false));
      process.read_line();
      const auto bytes = static_cast<double>(process.wait());
      const auto end = std::chrono::steady_clock::now();
      if (!process.succeeded()) throw std::runtime_error(path + ": failed");
      if (round < 0) continue;
      c.milliseconds.push_back(std::chrono::duration<double, std::milli>(end - start).count());
      c.megabytes.push_back(bytes / 1e6);
    }
  }
  return report(options, binaries, "process_hello_train", 1, contenders);
}

Options parse(int argc, char** argv) {
  Options options;
  const std::vector<std::string> words(argv + 1, argv + argc);
  for (size_t i = 0; i < words.size(); ++i) {
    if (words[i].rfind("--", 0) != 0) {
      options.filters.push_back(words[i]);
      continue;
    }
    if (i + 1 == words.size()) throw std::runtime_error(words[i] + ": needs a value");
    const std::string& name = words[i];
    const std::string& value = words[++i];
    if (name == "--inputs")
      options.inputs = value;
    else if (name == "--ours")
      options.ours = value;
    else if (name == "--peer")
      options.peers.push_back(value);
    else if (name == "--json")
      options.json = value;
    else if (name == "--rounds")
      options.rounds = std::stoi(value);
    else if (name == "--seconds")
      options.seconds = std::stod(value);
    else if (name == "--threads")
      options.threads = integers(value);
    else if (name == "--cores")
      options.cores = integers(value);
    else
      throw std::runtime_error(name + ": no such option");
  }
  if (options.rounds < 1) throw std::runtime_error("--rounds: must be 1 or more");
  if (options.cores.empty()) options.cores = allowed_cores();
  if (options.threads.empty()) {
    options.threads = options.cores.size() > 1 ? std::vector<int>{1, 2} : std::vector<int>{1};
  }
  for (const int threads : options.threads) {
    if (threads < 1 || static_cast<size_t>(threads) > options.cores.size()) {
      throw std::runtime_error("--threads " + std::to_string(threads) + ": there are " +
                               std::to_string(options.cores.size()) + " cores to pin to");
    }
  }
  return options;
}

bool wanted(const Options& options, const std::string& workload) {
  return options.filters.empty() ||
         std::any_of(options.filters.begin(), options.filters.end(),
                     [&](const std::string& f) { return workload.find(f) != std::string::npos; });
}

/// The workloads that any side can run, sorted by name.
std::set<std::string> workloads(const std::vector<Binary>& binaries) {
  std::set<std::string> names;
  for (const Binary& binary : binaries) {
    for (const auto& [workload, variant] : binary.variants) names.insert(workload);
  }
  return names;
}

int run(const Options& options) {
  std::vector<Binary> binaries;
  if (!options.ours.empty()) binaries.push_back(describe(options.ours, true));
  for (const std::string& path : options.peers) binaries.push_back(describe(path, false));
  std::ofstream json;
  if (!options.json.empty()) {
    json.open(options.json);
    if (!json) throw std::runtime_error(options.json + ": cannot be written");
  }
  bool bad = false;
  const auto keep = [&](const Report& report) {
    if (json.is_open()) json << report.json << std::endl;
    bad |= report.is_void;
  };
  std::printf("%s; %d rounds; ratio = peer / ours, median [quartiles]\n", cpu_name().c_str(),
              options.rounds);
  for (const std::string& workload : workloads(binaries)) {
    if (!wanted(options, workload)) continue;
    for (const int threads : options.threads) keep(measure(options, binaries, workload, threads));
  }
  if (wanted(options, "process_hello_train")) keep(measure_hello(options, binaries));
  if (json.is_open() && !json) throw std::runtime_error(options.json + ": was not written whole");
  return bad ? 1 : 0;
}

}  // namespace

int main(int argc, char** argv) try {
  std::signal(SIGPIPE, SIG_IGN);  // a side that died is reported where it is asked
  return run(parse(argc, argv));
} catch (const std::exception& error) {
  std::fprintf(stderr, "peer_run: %s\n", error.what());
  return 2;
}
