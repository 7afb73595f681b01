#pragma once

#include <fcntl.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace peers {

/// A child process, pinned to `cores`, that answers a line for each line that it is sent.
class Process {
 public:
  using Environment = std::vector<std::pair<std::string, std::string>>;

  Process(const std::vector<std::string>& command, const std::vector<int>& cores,
          const Environment& environment)
      : name_(command.front()) {
    int in[2];
    int out[2];
    if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0) throw failure("no pipe");
    child_ = fork();
    if (child_ < 0) throw failure("cannot fork");
    if (child_ == 0) {
      dup2(in[0], STDIN_FILENO);
      dup2(out[1], STDOUT_FILENO);
      exec(command, cores, environment);
    }
    close(in[0]);
    close(out[1]);
    to_child_ = in[1];
    from_child_ = fdopen(out[0], "r");
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process() { wait(); }

  /// The next line, without its end. Throws when the child has ended.
  std::string read_line() {
    std::string line;
    if (!try_read_line(line)) throw failure("ended too early: its message is above");
    return line;
  }

  /// Reads the next line into `line`; false at the end of the child's output.
  bool try_read_line(std::string& line) {
    line.clear();
    int c = std::fgetc(from_child_);
    for (; c != EOF && c != '\n'; c = std::fgetc(from_child_)) line += static_cast<char>(c);
    return c != EOF || !line.empty();
  }

  std::string ask(const std::string& line) {
    const std::string text = line + "\n";
    if (::write(to_child_, text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
      throw failure("does not listen");
    }
    return read_line();
  }

  /// Closes the child's input, waits for its end, and returns its largest resident size in bytes.
  int64_t wait() {
    if (child_ <= 0) return 0;
    close(to_child_);
    rusage usage{};
    wait4(child_, &status_, 0, &usage);
    std::fclose(from_child_);
    child_ = 0;
    return usage.ru_maxrss * int64_t{1024};
  }

  /// After wait(): whether the child ended well.
  bool succeeded() const { return WIFEXITED(status_) && WEXITSTATUS(status_) == 0; }

 private:
  std::runtime_error failure(const std::string& what) const {
    return std::runtime_error(name_ + ": " + what);
  }

  [[noreturn]] static void exec(const std::vector<std::string>& command,
                                const std::vector<int>& cores, const Environment& environment) {
    cpu_set_t set;
    CPU_ZERO(&set);
    for (const int core : cores) CPU_SET(static_cast<size_t>(core), &set);
    if (!cores.empty() && sched_setaffinity(0, sizeof(set), &set) != 0) {
      std::perror("sched_setaffinity");
      _exit(127);
    }
    for (const auto& [key, value] : environment) setenv(key.c_str(), value.c_str(), 1);
    std::vector<char*> arguments;
    for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    execv(arguments[0], arguments.data());
    std::perror(arguments[0]);
    _exit(127);
  }

  std::string name_;
  pid_t child_ = 0;
  int to_child_ = -1;
  std::FILE* from_child_ = nullptr;
  int status_ = 0;
};

}  // namespace peers
