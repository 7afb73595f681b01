#include <gradus/framework/base/detail/instantiate.h>
#include <gradus/framework/base/parallel.h>
#include <gradus/framework/kernels/remap.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace gradus::kernels {
namespace {

constexpr size_t kMostAxes = 8;
constexpr int64_t kColumns = 128;  // that remap_vjp sums together

int64_t length_of(const Runs& runs) {
  int64_t length = 0;
  for (const Run& run : runs) length += run.length;
  return length;
}

bool is_identity(const Runs& runs, int64_t n) {
  return runs.size() == 1 && runs[0].first == 0 && runs[0].step == 1 && runs[0].length == n;
}

bool goes_forward(const Runs& runs) {
  return std::all_of(runs.begin(), runs.end(),
                     [](const Run& run) { return run.first < 0 || run.step == 1; });
}

struct Axis {
  int64_t size;  // of x
  Runs runs;
};

/// The axes from the last to the first; an axis that is taken whole is merged into the one before
/// it.
std::vector<Axis> joined(int rank, const int64_t* x_shape, const Runs* axes) {
  std::vector<Axis> result;
  for (int i = rank - 1; i >= 0; --i) {
    if (!result.empty() && is_identity(result.back().runs, result.back().size) &&
        goes_forward(axes[i])) {
      const int64_t inner = result.back().size;
      result.back() = {x_shape[i] * inner, axes[i]};
      for (Run& run : result.back().runs) {
        run.length *= inner;
        if (run.first > 0) run.first *= inner;
      }
    } else {
      result.push_back({x_shape[i], axes[i]});
    }
  }
  return result;
}

/// Walks along one axis of y and tracks the entry of x.
class Cursor {
 public:
  Cursor() = default;
  Cursor(const Runs& runs, int64_t position) : runs_(&runs) {
    while (position >= run().length) {
      position -= run().length;
      ++run_;
    }
    at_ = position;
  }

  int64_t entry() const { return run().first < 0 ? -1 : run().first + at_ * run().step; }

  /// Moves on by one. At the end it goes back to the start and returns false.
  bool next() {
    if (++at_ < run().length) return true;
    at_ = 0;
    if (++run_ < runs_->size()) return true;
    run_ = 0;
    return false;
  }

 private:
  const Run& run() const { return (*runs_)[run_]; }

  const Runs* runs_ = nullptr;
  size_t run_ = 0;
  int64_t at_ = 0;
};

/// Walks along the rows of y, axes[1:] (the inner ones first), and tracks the row of x.
class RowCursor {
 public:
  RowCursor(const std::vector<Axis>& axes, int64_t row) : axes_(axes) {
    for (size_t i = 1; i < axes.size(); ++i) {
      const int64_t length = length_of(axes[i].runs);
      cursors_[i] = Cursor(axes[i].runs, row % length);
      row /= length;
    }
  }

  /// The row of x, or -1 if it is not in x.
  int64_t row() const {
    int64_t row = 0, stride = 1;
    for (size_t i = 1; i < axes_.size(); ++i) {
      const int64_t entry = cursors_[i].entry();
      if (entry < 0) return -1;
      row += entry * stride;
      stride *= axes_[i].size;
    }
    return row;
  }

  void next() {
    for (size_t i = 1; i < axes_.size() && !cursors_[i].next(); ++i) {
    }
  }

 private:
  const std::vector<Axis>& axes_;
  std::array<Cursor, kMostAxes> cursors_;
};

/// Writes y[begin:end] of a row whose runs start at y.
template <class T>
void copy_row(const T* x, T* y, const Runs& runs, int64_t begin, int64_t end, T outside) {
  int64_t start = 0;
  for (const Run& run : runs) {
    const int64_t from = std::max(begin, start), to = std::min(end, start + run.length);
    if (from < to) {
      const int64_t n = to - from;
      T* out = y + from;
      if (run.first < 0) {
        std::fill_n(out, n, outside);
      } else if (run.step == 0) {
        std::fill_n(out, n, x[run.first]);
      } else {
        const T* in = x + run.first + (from - start) * run.step;
        if (run.step == 1) std::memcpy(out, in, static_cast<size_t>(n) * sizeof(T));
        if (run.step < 0) std::reverse_copy(in - n + 1, in + 1, out);
      }
    }
    start += run.length;
  }
}

}  // namespace

template <class T>
void remap(const T* x, T* y, int rank, const int64_t* x_shape, const Runs* axes, T outside) {
  std::vector<Axis> all = joined(rank, x_shape, axes);
  if (all.empty()) all.push_back({1, {{1, 0, 1}}});
  const int64_t n = length_of(all[0].runs);
  int64_t rows = 1;
  for (size_t i = 1; i < all.size(); ++i) rows *= length_of(all[i].runs);
  if (n == 0 || rows == 0) return;
  const int64_t most = detail::default_parallel_grain * 4;  // of a row at once
  const int64_t pieces = (n - 1) / most + 1;
  parallel_for(rows * pieces, std::min(n, most) / 4 + 8, [&](int64_t begin, int64_t end) {
    RowCursor cursor(all, begin / pieces);
    for (int64_t item = begin; item < end; ++item) {
      const int64_t piece = item % pieces;
      T* out = y + item / pieces * n;
      const int64_t from = piece * most, to = std::min(n, from + most);
      const int64_t row = cursor.row();
      if (row < 0) {
        std::fill(out + from, out + to, outside);
      } else {
        copy_row(x + row * all[0].size, out, all[0].runs, from, to, outside);
      }
      if (piece + 1 == pieces) cursor.next();
    }
  });
}

namespace {

/// Adds the rows of g that a run takes to dx, for `columns` of the `inner` elements of a row.
template <class T>
void add_run(const T* g, T* dx, const Run& run, int64_t inner, int64_t columns) {
  if (run.step == 0) {
    std::array<double, kColumns> sums{};
    for (int64_t k = 0; k < run.length; ++k) {
      for (int64_t c = 0; c < columns; ++c) {
        sums[static_cast<size_t>(c)] += static_cast<double>(g[k * inner + c]);
      }
    }
    T* to = dx + run.first * inner;
    for (int64_t c = 0; c < columns; ++c) to[c] += static_cast<T>(sums[static_cast<size_t>(c)]);
    return;
  }
  const bool whole = run.step == 1 && columns == inner;
  const int64_t rows = whole ? 1 : run.length, width = whole ? run.length * inner : columns;
  for (int64_t k = 0; k < rows; ++k) {
    const T* __restrict from = g + k * inner;
    T* __restrict to = dx + (run.first + k * run.step) * inner;
    for (int64_t c = 0; c < width; ++c) to[c] += from[c];
  }
}

}  // namespace

template <class T>
void remap_vjp(const T* g, T* dx, int64_t outer, int64_t n, int64_t inner, const Runs& runs) {
  if (outer * n * inner == 0) return;
  const int64_t length = length_of(runs);
  const int64_t pieces = (inner - 1) / kColumns + 1;
  const int64_t cost = (length + n) * std::min(inner, kColumns) + 8;
  parallel_for_each(outer * pieces, cost, [&](int64_t item) {
    const int64_t column = item % pieces * kColumns;
    const int64_t columns = std::min(kColumns, inner - column);
    const T* from = g + item / pieces * length * inner + column;
    T* to = dx + item / pieces * n * inner + column;
    for (int64_t i = 0; i < n; ++i) std::fill_n(to + i * inner, columns, T{0});
    for (const Run& run : runs) {
      if (run.first >= 0) add_run(from, to, run, inner, columns);
      from += run.length * inner;
    }
  });
}

GRADUS_INSTANTIATE_ALL(remap)
GRADUS_INSTANTIATE_FLOATS(remap_vjp)

}  // namespace gradus::kernels
