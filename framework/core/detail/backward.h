#pragma once
#include <gradus/framework/core/tensor.h>

#include <vector>

namespace gradus::detail {

/// Names the op that runs on this thread, for errors raised deep inside it.
class RunningOp {
 public:
  explicit RunningOp(const char* name);
  ~RunningOp();
  RunningOp(const RunningOp&) = delete;
  RunningOp& operator=(const RunningOp&) = delete;

 private:
  const char* before_;
};

/// The name of the running op; nullptr if there is none.
const char* running_op();

/// While one is alive, no other thread runs backward, so that the graph can be read. Throws
/// AutogradError, naming `operation`, inside a backward pass of this thread.
class GraphLock {
 public:
  explicit GraphLock(const char* operation);
  ~GraphLock();
  GraphLock(const GraphLock&) = delete;
  GraphLock& operator=(const GraphLock&) = delete;
};

/// Runs backward from `root` with a cotangent of its shape. See Tensor::backward.
void run_backward(const Tensor& root, Tensor cotangent, const BackwardOptions& options);

/// The trainable leaves that backward from `root` would reach, each once.
GRADUS_API std::vector<Tensor> reachable_leaves(const Tensor& root);

}  // namespace gradus::detail
