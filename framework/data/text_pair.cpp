#include <fmt/format.h>
#include <gradus/framework/data/detail/sample_reader.h>
#include <gradus/framework/data/text_pair.h>

namespace gradus {
namespace {

bool is_blank(const std::string& line) {
  return line.find_first_not_of(" \t\v\f") == std::string::npos;
}

const char* fault_of(const detail::SampleReader& reader) {
  return is_blank(reader.line()) ? "blank" : reader.fault();
}

}  // namespace

std::vector<TextPair> read_parallel(const std::string& source_path, const std::string& target_path,
                                    const ReadOptions& options) {
  detail::SampleReader sources("read_parallel", source_path, options);
  detail::SampleReader targets("read_parallel", target_path, options);
  std::vector<TextPair> pairs;
  for (;;) {
    const bool source = sources.next(), target = targets.next();
    if (!source && !target) break;
    if (source && target) {
      const char* in_source = fault_of(sources);
      const char* in_target = fault_of(targets);
      if (in_source == nullptr && in_target == nullptr) {
        pairs.push_back({sources.line(), targets.line()});
      } else {
        sources.bad(in_source != nullptr ? fmt::format("{} in the source", in_source)
                                         : fmt::format("{} in the target", in_target));
      }
      continue;
    }
    while (sources.next()) {
    }
    while (targets.next()) {
    }
    sources.fail(
        fmt::format("it has {} lines, but '{}' has {}: line i of both must belong together",
                    sources.number(), target_path, targets.number()));
  }
  sources.finish();
  return pairs;
}

}  // namespace gradus
