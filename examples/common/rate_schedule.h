#pragma once
#include <gradus/examples/common/flags.h>
#include <gradus/optim/schedule/lr_scheduler.h>

#include <cstdint>

namespace gradus::examples {

/// How a learning rate falls to 0, or that it does not.
enum class RateSchedule : std::uint8_t { linear, cosine, constant };

inline Schedule make_schedule(RateSchedule schedule, std::int64_t steps) {
  if (schedule == RateSchedule::linear) return linear_lr(1, 0, steps);
  if (schedule == RateSchedule::cosine) return cosine_annealing_lr(steps);
  return constant_lr(1, 0);
}

inline void add_schedule(CLI::App& app, RateSchedule& schedule) {
  add_choice<RateSchedule>(app, "--schedule", schedule,
                           {{"linear", RateSchedule::linear},
                            {"cosine", RateSchedule::cosine},
                            {"constant", RateSchedule::constant}},
                           "how the rate falls to 0, or that it does not");
}

}  // namespace gradus::examples
