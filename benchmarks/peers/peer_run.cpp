// Runs our side and the peers in alternation and prints the ratios; run.sh builds and calls it.
//
// Each side is one process per workload and variant, pinned to the same cores, that is told to run
// so many steps. A round runs all of them once, every other round in reverse, so that a slow
// minute of the machine meets all alike. A ratio is peer / ours within a round; rows give medians.

#include <algorithm>
#include <chrono>
#include <csignal>
#include <fstream>
#include <memory>
#include <set>
#include <thread>

#include "runner.h"
#include "text_rows.h"
#include "workloads.h"

namespace {

using peers::add_outcome;
using peers::add_ratio;
using peers::Binary;
using peers::cores_for;
using peers::describe;
using peers::environment;
using peers::Json;
using peers::median;
using peers::Options;
using peers::Outcome;
using peers::Process;
using peers::quantile;
using peers::Report;
using peers::Role;
using peers::wanted;

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
  bool agrees = true;                // with ours, or with the first peer where ours is missing

  bool is(Role role) const { return binary->role == role; }
};

std::vector<int> integers(const std::string& list) {
  std::vector<int> values;
  std::istringstream stream(list);
  for (std::string word; std::getline(stream, word, ',');) values.push_back(std::stoi(word));
  return values;
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
  const double first = std::stod(c.process->ask("run 1"));
  const int64_t count = std::clamp<int64_t>(std::llround(0.2 / first), 1, 16);
  const double warm = std::stod(c.process->ask("run " + std::to_string(count)));
  c.steps =
      std::max<int64_t>(2, std::llround(options.seconds / (warm / static_cast<double>(count))));
  return c;
}

/// Starts all that can run `workload`. A row of several threads has two more kinds of contender:
/// ours on one thread, for the gain, and a peer whose threads wait passively, since the thread
/// pools inside one library can fight. Limits have one thread only.
std::vector<Contender> start(const Options& options, const std::vector<Binary>& binaries,
                             const std::string& workload, int threads) {
  std::vector<Contender> all;
  for (const Binary& binary : binaries) {
    for (const auto& [name, variant] : binary.variants) {
      if (name != workload || (binary.is_limit() && threads > 1)) continue;
      all.push_back(start_one(options, binary, name, variant, threads, threads, false));
      if (threads == 1) continue;
      all.push_back(binary.role == Role::ours
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

/// The contenders of a row by what they are; any may be missing.
struct Row {
  std::string workload;
  int threads = 1;
  const Contender* ours = nullptr;
  const Contender* alone = nullptr;  // ours on one thread, in a row of several
  const Contender* peer = nullptr;   // the fastest
  const Contender* limit = nullptr;
  const Contender* products = nullptr;
  const Contender* reference = nullptr;  // whose loss is the right one
  bool all_agree = true;                 // with it

  Outcome outcome() const {
    if (ours == nullptr && !all_agree) return Outcome::is_void;
    for (const Contender* c : {peer, limit}) {
      if (c != nullptr && !c->agrees) return Outcome::is_void;
    }
    return ours == nullptr || peer == nullptr ? Outcome::not_compared : Outcome::compared;
  }
};

/// The fields of a row about our side, the fastest peer and the limit.
void add_sides(Json& json, const Row& row) {
  const auto add = [&](const Contender* c, const std::string& side) {
    if (c == nullptr) return void(json.null(side + "_ms"));
    json.real(side + "_ms", median(c->milliseconds)).text(side + "_variant", c->variant);
    if (!c->megabytes.empty()) {
      json.real(side + "_rss_mb", median(c->megabytes));
    } else {
      json.real("loss_" + side, c->loss).real("moved_" + side, c->moved);
    }
  };
  add(row.ours, "ours");
  add(row.peer, "peer");
  if (row.peer != nullptr) json.text("peer", row.peer->binary->library);
  if (row.peer != nullptr && !row.peer->ratios.empty()) add_ratio(json, row.peer->ratios);
  const auto add_limit = [&](const Contender* c, const std::string& name) {
    if (c == nullptr) return;
    json.real(name + "_ms", median(c->milliseconds));
    if (!c->ratios.empty()) json.real(name + "_ratio", median(c->ratios));
  };
  add_limit(row.limit, "limit");
  add_limit(row.products, "products");
}

/// What makes a row no comparison, at its end.
void print_objection(const Row& row, const std::vector<Contender>& contenders) {
  const char* const word = row.outcome() == Outcome::is_void ? "VOID" : "differs";
  for (const Contender& c : contenders) {
    if (c.agrees) continue;
    const char* const other = row.ours != nullptr ? "ours" : row.reference->variant.c_str();
    std::printf(" %s: %s, %s: loss %.6g, %s %.6g; weights moved %.6g, %s %.6g", word,
                c.binary->library.c_str(), c.variant.c_str(), c.loss, other, row.reference->loss,
                c.moved, other, row.reference->moved);
  }
  if (row.outcome() != Outcome::not_compared) return;
  const std::string why =
      row.ours == nullptr ? "gradus has no " + row.workload : "no peer has " + row.workload;
  std::printf(" NOT COMPARED: %s", why.c_str());
}

/// One line of the table: ours, then a column for each library with its fastest variant.
void print_row(const Row& row, const std::vector<Binary>& binaries,
               const std::vector<Contender>& contenders) {
  std::printf("%-26s %d thread%s  ours", row.workload.c_str(), row.threads,
              row.threads == 1 ? " " : "s");
  if (row.ours == nullptr) {
    std::printf("         -   ");
  } else {
    std::printf(" %9.4f ms", median(row.ours->milliseconds));
  }
  if (row.alone != nullptr) std::printf(" (%.2fx one thread)", median(row.alone->ratios));
  if (row.ours != nullptr && !row.ours->megabytes.empty()) {
    std::printf(" %.1f MB", median(row.ours->megabytes));
  }
  for (const Binary& binary : binaries) {
    const Contender* c =
        fastest(contenders, [&](const Contender& x) { return x.binary == &binary; });
    if (c == nullptr || binary.role == Role::ours) continue;
    std::printf("  | %s %9.4f ms", binary.library.c_str(), median(c->milliseconds));
    if (!c->ratios.empty()) {
      std::printf(" %6.2fx [%.2f, %.2f]", median(c->ratios), quantile(c->ratios, 0.25),
                  quantile(c->ratios, 0.75));
    }
    if (binary.role == Role::peer) std::printf(" %s", c->variant.c_str());
    if (!c->megabytes.empty()) std::printf(" %.1f MB", median(c->megabytes));
  }
  print_objection(row, contenders);
  std::printf("\n");
  std::fflush(stdout);
}

/// Finds out who of the contenders is what, whether they agree, and their ratios to ours.
Row compare(const std::string& workload, int threads, std::vector<Contender>& contenders) {
  const auto ours_on = [&](int count) {
    return fastest(contenders,
                   [=](const Contender& c) { return c.is(Role::ours) && c.threads == count; });
  };
  Row row{workload, threads, ours_on(threads)};
  row.reference = row.ours;
  for (Contender& c : contenders) {
    if (!c.is(Role::products)) {  // which have no result
      if (row.reference == nullptr) row.reference = &c;
      c.agrees = agree(*row.reference, c);
      row.all_agree &= c.agrees;
    }
    if (row.ours == nullptr || &c == row.ours) continue;
    for (size_t i = 0; i < c.milliseconds.size(); ++i) {
      c.ratios.push_back(c.milliseconds[i] / row.ours->milliseconds[i]);
    }
  }
  if (threads > 1) row.alone = ours_on(1);
  row.peer = fastest(contenders, [](const Contender& c) { return c.is(Role::peer); });
  row.limit = fastest(contenders, [](const Contender& c) { return c.is(Role::limit); });
  row.products = fastest(contenders, [](const Contender& c) { return c.is(Role::products); });
  return row;
}

/// Compares the contenders of a row, prints it and puts it into JSON.
Report report(const Options& options, const std::vector<Binary>& binaries,
              const std::string& workload, int threads, std::vector<Contender>& contenders) {
  const Row row = compare(workload, threads, contenders);
  print_row(row, binaries, contenders);
  Json json;
  json.text("workload", workload).integer("threads", threads);
  add_sides(json, row);
  if (row.alone != nullptr) json.real("gain_over_one_thread", median(row.alone->ratios));
  add_outcome(json, row.outcome());
  json.integer("rounds", options.rounds).text("cpu", peers::cpu_name());
  std::vector<std::string> list;
  for (const int core : cores_for(options, threads)) list.push_back(std::to_string(core));
  json.raw("cores", peers::json_array(list)).text("malloc", "default");
  list.clear();
  for (const Contender& c : contenders) {
    if (c.is(Role::peer)) list.push_back(to_json(c));
  }
  json.raw("peers", peers::json_array(list));
  return {workload, json.str(), row.outcome()};
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
    if (binary.is_limit()) continue;
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

/// Where the value of a textual option belongs, or null.
std::string* text_option(Options& options, const std::string& name) {
  const std::vector<std::pair<const char*, std::string*>> all{
      {"--inputs", &options.inputs},       {"--ours", &options.ours},
      {"--limit", &options.limit},         {"--products", &options.products},
      {"--machine", &options.machine},     {"--json", &options.json},
      {"--texts", &options.texts},         {"--text-ours", &options.text_ours},
      {"--text-peer", &options.text_peer}, {"--word-pairs", &options.word_pairs}};
  for (const auto& [known, value] : all) {
    if (name == known) return value;
  }
  return nullptr;
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
    if (std::string* const text = text_option(options, name))
      *text = value;
    else if (name == "--peer")
      options.peers.push_back(value);
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

/// The workloads that any side can run, sorted by name.
std::set<std::string> workloads(const std::vector<Binary>& binaries) {
  std::set<std::string> names;
  for (const Binary& binary : binaries) {
    for (const auto& [workload, variant] : binary.variants) names.insert(workload);
  }
  return names;
}

/// What the machine can do and which kernels the libraries chose on it: prints it, and returns
/// JSON.
std::string machine(const Options& options, const std::vector<Binary>& binaries) {
  std::string measured = "{}";
  if (!options.machine.empty()) {
    std::vector<std::string> command{options.machine};
    const size_t count = std::min<size_t>(2, options.cores.size());
    for (const int core : cores_for(options, static_cast<int>(count))) {
      command.push_back(std::to_string(core));
    }
    Process process(command, {}, {});
    measured = process.read_line();
    std::printf("%s\n", measured.c_str());
  }
  std::vector<std::string> libraries;
  for (const Binary& binary : binaries) {
    if (binary.facts.empty()) continue;
    Json json;
    json.text("library", binary.library);
    std::printf("%s:", binary.library.c_str());
    for (const auto& [name, value] : binary.facts) {
      json.text(name, value);
      std::printf(" %s %s", name.c_str(), value.c_str());
    }
    std::printf("\n");
    libraries.push_back(json.str());
  }
  return Json().raw("machine", measured).raw("libraries", peers::json_array(libraries)).str();
}

/// Keeps the rows, and says in the end what they amount to.
class Result {
 public:
  explicit Result(const std::string& path) : path_(path) {
    if (path.empty()) return;
    json_.open(path);
    if (!json_) throw std::runtime_error(path + ": cannot be written");
  }
  void write(const std::string& line) {
    if (json_.is_open()) json_ << line << std::endl;
  }
  void keep(const Report& report) {
    write(report.json);
    if (report.outcome == Outcome::compared) ++compared_;
    if (report.outcome == Outcome::is_void) void_.insert(report.workload);
    if (report.outcome == Outcome::not_compared) alone_.insert(report.workload);
  }
  /// The exit status of the program.
  int finish() {
    if (json_.is_open() && !json_) throw std::runtime_error(path_ + ": was not written whole");
    std::printf("%d rows compared", compared_);
    print("void", void_);
    print("not compared", alone_);
    std::printf("\n");
    return void_.empty() ? 0 : 1;
  }

 private:
  static void print(const char* what, const std::set<std::string>& workloads) {
    if (workloads.empty()) return;
    std::printf("; %s:", what);
    for (const std::string& name : workloads) std::printf(" %s", name.c_str());
  }

  std::string path_;
  std::ofstream json_;
  int compared_ = 0;
  std::set<std::string> void_, alone_;
};

int run(const Options& options) {
  std::vector<Binary> binaries;
  if (!options.ours.empty()) binaries.push_back(describe(options.ours, Role::ours));
  for (const std::string& path : options.peers) binaries.push_back(describe(path, Role::peer));
  if (!options.limit.empty()) binaries.push_back(describe(options.limit, Role::limit));
  if (!options.products.empty()) binaries.push_back(describe(options.products, Role::products));
  Result result(options.json);
  std::printf("%s; %d rounds; ratio = peer / ours, median [quartiles]\n", peers::cpu_name().c_str(),
              options.rounds);
  result.write(machine(options, binaries));
  const auto keep = [&](const Report& report) { result.keep(report); };
  for (const std::string& workload : workloads(binaries)) {
    if (!wanted(options, workload)) continue;
    for (const int threads : options.threads) keep(measure(options, binaries, workload, threads));
  }
  if (!binaries.empty() && wanted(options, "process_hello_train")) {
    keep(measure_hello(options, binaries));
  }
  peers::text_rows(options, keep);
  return result.finish();
}

}  // namespace

int main(int argc, char** argv) try {
  std::signal(SIGPIPE, SIG_IGN);  // a side that died is reported where it is asked
  return run(parse(argc, argv));
} catch (const std::exception& error) {
  std::fprintf(stderr, "peer_run: %s\n", error.what());
  return 2;
}
