#include <gradus/framework/base/parallel.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/index.h>
#include <gradus/framework/ops/nn/embedding_bag.h>
#include <gradus/framework/ops/reduce.h>
#include <gradus/tests/ops/shape_testing.h>
#include <gradus/tests/support/op_cases.h>

#include <algorithm>

namespace gradus {
namespace {

using Ids = std::vector<std::int64_t>;
using Values = std::vector<double>;

Inputs repeated_ids() { return {tensor<std::int64_t>({2, 0, 2, 1, 2, 3}, {2, 3})}; }

const OpCases cases{
    OpCase{"embedding_bag", "mean of rows of ids", leaves_and({{4, 3}}, repeated_ids),
           [](const Inputs& in) { return embedding_bag(in[0], in[1]); }},
    OpCase{
        "embedding_bag", "maximum", leaves_and({{4, 3}}, repeated_ids),
        [](const Inputs& in) { return embedding_bag(in[0], in[1], {}, {.mode = BagMode::max}); }},
    OpCase{"embedding_bag", "sparse mean, an empty bag", leaves_and({{4, 3}}, repeated_ids),
           [](const Inputs& in) {
             return embedding_bag(in[0], tensor({2, 0, 2, 1}), tensor({0, 1, 1}), {.sparse = true});
           }},
    OpCase{"embedding_bag", "weighted sum", leaves_and({{4, 3}, {2, 3}}, repeated_ids),
           [](const Inputs& in) {
             return embedding_bag(in[0], in[2], {}, {.mode = BagMode::sum}, in[1]);
           }},
    OpCase{"embedding_bag", "sparse weighted sum", leaves_and({{4, 3}, {6}}, repeated_ids),
           [](const Inputs& in) {
             return embedding_bag(
                 in[0], tensor({2, 0, 2, 1, 2, 3}), tensor({0, 4, 4, 6}),
                 {.mode = BagMode::sum, .sparse = true, .include_last_offset = true}, in[1]);
           }},
};

Tensor table() { return tensor({0.0, 1.0, 10.0, 11.0, 20.0, 21.0, 30.0, 31.0}, {4, 2}); }

TEST(OpEmbeddingBag, KnownValuesOfEveryMode) {
  const Tensor ids = tensor({3, 1, 0, 2}), offsets = tensor({0, 3});
  const auto bag = [&](BagMode mode) {
    return embedding_bag(table(), ids, offsets, {.mode = mode});
  };
  EXPECT_TRUE(has_values(bag(BagMode::sum), {2, 2}, {40, 43, 20, 21}));
  EXPECT_TRUE(is_close(bag(BagMode::mean), {2, 2}, {40.0 / 3, 43.0 / 3, 20, 21}, 1e-15));
  EXPECT_TRUE(has_values(bag(BagMode::max), {2, 2}, {30, 31, 20, 21}));
  EXPECT_TRUE(has_values(embedding_bag(table(), ids, offsets).detach(), {2, 2},
                         values_of(bag(BagMode::mean))));
}

TEST(OpEmbeddingBag, KnownValuesOfRowsOfIds) {
  const Tensor ids = tensor({3, 1, 0, 2}, {2, 2});
  EXPECT_TRUE(has_values(embedding_bag(table(), ids), {2, 2}, {20, 21, 10, 11}));
  // rows are whole bags, so that the flag has nothing to say
  EXPECT_TRUE(has_values(embedding_bag(table(), ids, {}, {.include_last_offset = true}), {2, 2},
                         {20, 21, 10, 11}));
}

TEST(OpEmbeddingBag, KnownValuesWithTheLastOffset) {
  const EmbeddingBagLookup lookup{.mode = BagMode::sum, .include_last_offset = true};
  EXPECT_TRUE(has_values(embedding_bag(table(), tensor({3, 1, 2}), tensor({0, 1, 1, 3}), lookup),
                         {3, 2}, {30, 31, 0, 0, 30, 32}));
  EXPECT_EQ(embedding_bag(table(), empty({0}, DType::int64), tensor({0}), lookup).shape(),
            (Shape{0, 2}));
}

TEST(OpEmbeddingBag, KnownValuesOfWeightedSums) {
  const Tensor factors = tensor({2.0, -1.0, 0.5});
  EXPECT_TRUE(has_values(
      embedding_bag(table(), tensor({1, 2, 3}), tensor({0, 2}), {.mode = BagMode::sum}, factors),
      {2, 2}, {0, 1, 15, 15.5}));
}

TEST(OpEmbeddingBag, KnownValuesWithoutMembersAreZeros) {
  const Tensor none = empty({0}, DType::int64);
  for (const BagMode mode : {BagMode::sum, BagMode::mean, BagMode::max}) {
    const EmbeddingBagLookup lookup{.mode = mode, .padding_idx = 3};
    EXPECT_TRUE(
        has_values(embedding_bag(table(), none, tensor({0, 0}), lookup), {2, 2}, {0, 0, 0, 0}));
    EXPECT_EQ(embedding_bag(table(), none, none, lookup).shape(), (Shape{0, 2}));
    EXPECT_TRUE(has_values(embedding_bag(table(), zeros({2, 0}, DType::int64), {}, lookup), {2, 2},
                           {0, 0, 0, 0}));
    EXPECT_EQ(embedding_bag(table(), zeros({0, 4}, DType::int64), {}, lookup).shape(),
              (Shape{0, 2}));
    EXPECT_TRUE(has_values(embedding_bag(table(), tensor({3, 3}), tensor({0, 2}), lookup), {2, 2},
                           {0, 0, 0, 0}));
    EXPECT_EQ(embedding_bag(zeros({4, 0}), tensor({1, 2}), tensor({0}), lookup).shape(),
              (Shape{1, 0}));
  }
  EXPECT_EQ(embedding_bag(zeros({0, 3}), none, tensor({0})).shape(), (Shape{1, 3}));
}

TEST(OpEmbeddingBag, KnownValuesLeavePaddingOut) {
  const Tensor ids = tensor({3, 1, 3, 0}), offsets = tensor({0, 2});
  const auto bag = [&](BagMode mode) {
    return embedding_bag(table(), ids, offsets, {.mode = mode, .padding_idx = 3});
  };
  EXPECT_TRUE(has_values(bag(BagMode::sum), {2, 2}, {10, 11, 0, 1}));
  EXPECT_TRUE(has_values(bag(BagMode::mean), {2, 2}, {10, 11, 0, 1}));
  EXPECT_TRUE(has_values(bag(BagMode::max), {2, 2}, {10, 11, 0, 1}));
}

TEST(OpEmbeddingBag, KnownValuesOfNanAreNan) {
  const Tensor weight = tensor({1.0, not_a_number, 3.0, infinity}, {4, 1});
  const auto bag = [&](BagMode mode, const Tensor& ids) {
    return values_of(embedding_bag(weight, ids, tensor({0}), {.mode = mode}))[0];
  };
  for (const BagMode mode : {BagMode::sum, BagMode::mean, BagMode::max}) {
    for (const Tensor& ids : {tensor({0, 1, 2}), tensor({1, 0}), tensor({3, 1}), tensor({1})}) {
      EXPECT_TRUE(std::isnan(bag(mode, ids))) << name(mode);
    }
    EXPECT_EQ(bag(mode, tensor({0, 3})), infinity);
  }
}

// ---- gradients, against the definition

struct Bags {
  Ids ids, starts;  // starts end with the number of ids
  Values factors;   // or empty
};

struct Expected {
  Values y, dweight, dfactors;
};

// What embedding_bag does, member by member.
Expected by_definition(const Tensor& weight, const Bags& bags, const EmbeddingBagLookup& lookup,
                       const Values& g) {
  const auto V = static_cast<std::size_t>(weight.size(0)),
             D = static_cast<std::size_t>(weight.size(1));
  const std::size_t n = bags.ids.size(), B = bags.starts.size() - 1;
  const Values w = values_of(weight);
  Expected result{Values(B * D), Values(V * D), Values(n)};
  const auto counts = [&](std::size_t k) { return bags.ids[k] != lookup.padding_idx; };
  for (std::size_t b = 0; b < B; ++b) {
    std::vector<std::size_t> members;
    for (auto k = static_cast<std::size_t>(bags.starts[b]);
         k < static_cast<std::size_t>(bags.starts[b + 1]); ++k) {
      if (counts(k)) members.push_back(k);
    }
    if (members.empty()) continue;
    const double size = lookup.mode == BagMode::mean ? static_cast<double>(members.size()) : 1;
    for (std::size_t d = 0; d < D; ++d) {
      const auto value = [&](std::size_t k) {
        return w[static_cast<std::size_t>(bags.ids[k]) * D + d];
      };
      double& y = result.y[b * D + d];
      const double cotangent = g[b * D + d];
      if (lookup.mode == BagMode::max) {
        const std::size_t first =
            *std::max_element(members.begin(), members.end(),
                              [&](std::size_t i, std::size_t j) { return value(i) < value(j); });
        y = value(first);
        result.dweight[static_cast<std::size_t>(bags.ids[first]) * D + d] += cotangent;
        continue;
      }
      for (const std::size_t k : members) {
        const double factor = bags.factors.empty() ? 1 : bags.factors[k];
        y += factor * value(k) / size;
        const auto same = std::count(bags.ids.begin(), bags.ids.end(), bags.ids[k]);
        const double share = lookup.scale_grad_by_freq ? static_cast<double>(same) : 1;
        result.dweight[static_cast<std::size_t>(bags.ids[k]) * D + d] +=
            factor * cotangent / size / share;
        result.dfactors[k] += cotangent * value(k);
      }
    }
  }
  return result;
}

void expect_definition(const Tensor& weight, const Tensor& ids, const Tensor& offsets,
                       const Bags& bags, const EmbeddingBagLookup& lookup, DType dtype) {
  const double tolerance = dtype == DType::float64 ? 1e-13 : 2e-6;
  const Tensor w = weight.to(dtype).clone().set_trainable(true);
  const Tensor factors =
      bags.factors.empty()
          ? Tensor()
          : tensor(bags.factors, ids.shape()).to(dtype).clone().set_trainable(true);
  const Tensor y = embedding_bag(w, ids, offsets, lookup, factors);
  Generator generator(5);
  const Tensor g = randn(y.shape(), 0, 1, dtype, generator);
  const Expected expected = by_definition(w.detach(), bags, lookup, values_of(g));
  EXPECT_TRUE(is_close(y, y.shape(), expected.y, tolerance));
  y.backward(g);
  EXPECT_EQ(w.grad().is_sparse(), lookup.sparse);
  EXPECT_TRUE(is_close(w.grad().to_dense(), w.shape(), expected.dweight, tolerance));
  if (lookup.sparse) {
    const SparseGrad& sparse = w.grad().sparse();
    EXPECT_EQ(sparse.nnz(), static_cast<std::int64_t>(bags.ids.size()) -
                                std::count(bags.ids.begin(), bags.ids.end(), lookup.padding_idx));
    EXPECT_TRUE(is_close(SparseGrad(sparse.ids(), sparse.values(), w.shape()).to_dense(), w.shape(),
                         expected.dweight, tolerance));
  }
  if (factors.defined()) {
    EXPECT_TRUE(is_close(factors.grad().dense(), ids.shape(), expected.dfactors, tolerance));
  }
}

// Every option with every other.
template <class F>
void for_each_lookup(F f) {
  for (const BagMode mode : {BagMode::sum, BagMode::mean, BagMode::max}) {
    for (const std::int64_t padding : {-1, 0, 3}) {
      for (const bool freq : {false, true}) {
        for (const bool sparse : {false, true}) {
          if (mode == BagMode::max && (freq || sparse)) continue;
          SCOPED_TRACE(std::string(name(mode)) + " padding " + std::to_string(padding) + " freq " +
                       std::to_string(freq) + " sparse " + std::to_string(sparse));
          f(EmbeddingBagLookup{
              .mode = mode, .padding_idx = padding, .scale_grad_by_freq = freq, .sparse = sparse});
        }
      }
    }
  }
}

Values factors_for(std::size_t n) {
  Values factors;
  for (std::size_t k = 0; k < n; ++k) factors.push_back(0.5 * static_cast<double>(k) - 1.25);
  return factors;
}

TEST(OpEmbeddingBag, GradientIsThatOfTheDefinitionForEveryOption) {
  const Tensor weight = random_leaf({5, 3}).detach();
  const Ids ids{3, 0, 3, 1, 0, 0, 4, 1, 3, 3, 2, 1};
  for_each_lookup([&](EmbeddingBagLookup lookup) {
    for (const DType dtype : {DType::float64, DType::float32}) {
      for (const bool weighted : {false, true}) {
        if (weighted && lookup.mode != BagMode::sum) continue;
        const Values factors = weighted ? factors_for(ids.size()) : Values();
        expect_definition(weight, tensor(ids, {3, 4}), {}, {ids, {0, 4, 8, 12}, factors}, lookup,
                          dtype);
        expect_definition(weight, tensor(ids), tensor({0, 0, 8, 10, 12}),
                          {ids, {0, 0, 8, 10, 12, 12}, factors}, lookup, dtype);
        lookup.include_last_offset = true;
        expect_definition(weight, tensor(ids), tensor({0, 4, 4, 12}), {ids, {0, 4, 4, 12}, factors},
                          lookup, dtype);
        lookup.include_last_offset = false;
      }
    }
  });
}

TEST(OpEmbeddingBag, GradientIsThatOfTheDefinitionForLongBags) {
  const Tensor weight = random_leaf({20, 17}).detach();
  Generator generator(3);
  const Tensor drawn = randint(0, 20, {500}, generator);
  const Ids ids(drawn.data<std::int64_t>(), drawn.data<std::int64_t>() + 500);
  for_each_lookup([&](const EmbeddingBagLookup& lookup) {
    expect_definition(weight, drawn, tensor({0, 7, 90, 91}), {ids, {0, 7, 90, 91, 500}, {}}, lookup,
                      DType::float64);
  });
}

TEST(OpEmbeddingBag, GradientAgreesWithDifferences) {
  const Tensor ids = tensor({3, 0, 3, 1, 0, 4}), offsets = tensor({0, 2, 2});
  for_each_lookup([&](const EmbeddingBagLookup& lookup) {
    if (lookup.padding_idx >= 0 || lookup.scale_grad_by_freq) return;  // no derivatives
    // of a leaf, of a table that an op made, and of a table with two uses
    EXPECT_TRUE(passes_gradcheck(
        [&](const Inputs& in) { return embedding_bag(in[0], ids, offsets, lookup); },
        {random_leaf({5, 3})}));
    EXPECT_TRUE(passes_gradcheck(
        [&](const Inputs& in) {
          const Tensor y = embedding_bag(in[0] * 2.0, ids, offsets, lookup);
          return y * embedding_bag(in[0], ids, offsets, lookup);
        },
        {random_leaf({5, 3})}));
  });
  EXPECT_TRUE(passes_gradcheck(
      [&](const Inputs& in) {
        return embedding_bag(in[0], ids, offsets, {.mode = BagMode::sum}, in[1] * in[1]);
      },
      {random_leaf({5, 3}), random_leaf({6}, 2)}));
}

TEST(OpEmbeddingBag, GradientOfAMaximumGoesToTheFirstOfTies) {
  const Tensor weight = ones({3, 2}, DType::float64).set_trainable(true);
  embedding_bag(weight, tensor({2, 1, 0}), tensor({0}), {.mode = BagMode::max})
      .backward(tensor({5.0, 7.0}, {1, 2}));
  EXPECT_EQ(gradient_of(weight), (Values{0, 0, 0, 0, 5, 7}));
}

TEST(OpEmbeddingBag, GradientOfAMaximumGoesToTheFirstNan) {
  const Tensor weight = leaf({1, not_a_number, not_a_number}, {3, 1});
  embedding_bag(weight, tensor({0, 2, 1}), tensor({0}), {.mode = BagMode::max})
      .backward(tensor({5.0}, {1, 1}));
  EXPECT_EQ(gradient_of(weight), (Values{0, 0, 5}));
}

TEST(OpEmbeddingBag, GradientOfBagsWithoutMembersIsZero) {
  for_each_lookup([](EmbeddingBagLookup lookup) {
    lookup.padding_idx = 1;
    const Tensor weight = random_leaf({3, 2});
    const Tensor y = embedding_bag(weight, tensor({1, 1}), tensor({0, 0}), lookup);
    y.backward(tensor({infinity, 1.0, not_a_number, 2.0}, {2, 2}));
    EXPECT_EQ(values_of(weight.grad().to_dense()), Values(6, 0.0));
    if (lookup.sparse) {
      EXPECT_EQ(weight.grad().sparse().nnz(), 0);
      EXPECT_EQ(weight.grad().sparse().values().shape(), (Shape{0, 2}));
    }
  });
}

TEST(OpEmbeddingBag, GradientOfFactorsIsZeroForPadding) {
  const Tensor weight = random_leaf({3, 2}), factors = leaf({2, 3, infinity});
  embedding_bag(weight, tensor({0, 2, 1}), tensor({0}), {.mode = BagMode::sum, .padding_idx = 1},
                factors)
      .backward(tensor({1.0, 10.0}, {1, 2}));
  const Values w = values_of(weight);
  EXPECT_EQ(gradient_of(factors), (Values{w[0] + 10 * w[1], w[4] + 10 * w[5], 0}));
  EXPECT_EQ(gradient_of(weight), (Values{2, 20, 0, 0, 3, 30}));
}

TEST(OpEmbeddingBag, GradientOfFactorsAloneNeedsNoTrainableTable) {
  const Tensor factors = leaf({2, 3});
  for (const bool sparse : {false, true}) {
    factors.clear_grad();
    embedding_bag(table(), tensor({0, 2}), tensor({0}), {.mode = BagMode::sum, .sparse = sparse},
                  factors)
        .backward(tensor({1.0, 10.0}, {1, 2}));
    EXPECT_EQ(gradient_of(factors), (Values{10, 230}));
  }
  EXPECT_FALSE(embedding_bag(table(), tensor({0}), tensor({0})).requires_grad());
}

TEST(OpEmbeddingBag, GradientSparseHasOneEntryPerMemberInOrder) {
  const Tensor weight = random_leaf({4, 1});
  embedding_bag(weight, tensor({2, 1, 0, 2}), tensor({0, 3}), {.padding_idx = 1, .sparse = true})
      .backward(tensor({6.0, 5.0}, {2, 1}));
  const SparseGrad& grad = weight.grad().sparse();
  EXPECT_TRUE(has_values(grad.ids(), {3}, {2, 0, 2}));
  EXPECT_FALSE(grad.is_coalesced());
  EXPECT_EQ(grad.entries().rows.shape(), (Shape{2, 1}));  // not one for each member
  EXPECT_TRUE(has_values(grad.entries().sources, {3}, {0, 0, 1}));
  EXPECT_TRUE(has_values(grad.values(), {3, 1}, {3, 3, 5}));
}

TEST(OpEmbeddingBag, GradientSharesNothingWithItsInputs) {
  const Tensor weight = random_leaf({3, 1});
  const Tensor ids = tensor({2, 0}), offsets = tensor({0, 1}), factors = tensor({2.0, 3.0});
  const Tensor g = tensor({5.0, 7.0}, {2, 1});
  embedding_bag(weight, ids, offsets, {.mode = BagMode::sum, .sparse = true}, factors).backward(g);
  ids.fill_(1);
  offsets.fill_(0);
  factors.fill_(9);
  g.fill_(9);
  EXPECT_EQ(values_of(weight.grad().to_dense()), (Values{21, 0, 10}));
}

TEST(OpEmbeddingBag, GradientNeedsNoWeightButForThatOfFactors) {
  for (const BagMode mode : {BagMode::sum, BagMode::mean, BagMode::max}) {
    const Tensor weight = random_leaf({3, 1});
    const Tensor y = embedding_bag(weight, tensor({2, 2}), tensor({0}), {.mode = mode});
    {
      const NoGradGuard guard;
      weight.fill_(0);
    }
    y.backward(ones_like(y));
    EXPECT_EQ(gradient_of(weight), (Values{0, 0, mode == BagMode::sum ? 2.0 : 1.0}));
  }
  const Tensor weight = random_leaf({3, 1}), factors = leaf({1, 2});
  const Tensor y =
      embedding_bag(weight, tensor({2, 2}), tensor({0}), {.mode = BagMode::sum}, factors);
  {
    const NoGradGuard guard;
    weight.fill_(0);
  }
  EXPECT_THROW(y.backward(), AutogradError);
}

TEST(OpEmbeddingBag, NoticesIdsThatChangedBeforeBackward) {
  const Tensor weight = random_leaf({3, 1}), ids = tensor({1});
  const Tensor y = embedding_bag(weight, ids, tensor({0}));
  ids.fill_(0);
  EXPECT_THROW(y.backward(), AutogradError);
}

TEST(OpEmbeddingBag, HasTheSameBitsForAnyNumberOfThreads) {
  const int threads_before = num_threads();
  Generator generator(2);
  const std::int64_t V = 300, D = 37, n = 20000;
  const Tensor weight = randn({V, D}, 0, 1, DType::float32, generator).set_trainable(true);
  const Tensor factors = randn({n}, 0, 1, DType::float32, generator).set_trainable(true);
  const Tensor ids = randint(0, V, {n}, generator);
  const Tensor offsets = tensor({0, 3, 3, 900, 901, 1500, 9000, 9001, 12000, 19990});
  for_each_lookup([&](const EmbeddingBagLookup& lookup) {
    const Tensor used = lookup.mode == BagMode::sum ? factors : Tensor();
    std::vector<Values> first;
    for (const int threads : {1, 2, 3, 8}) {
      set_num_threads(threads);
      const Tensor y = embedding_bag(weight, ids, offsets, lookup, used);
      Generator cotangents(3);
      y.backward(randn(y.shape(), 0, 1, DType::float32, cotangents));
      std::vector<Values> all{values_of(y), values_of(weight.grad().to_dense())};
      if (lookup.sparse) all.push_back(values_of(weight.grad().sparse().coalesce().values()));
      if (used.defined()) all.push_back(gradient_of(factors));
      weight.clear_grad();
      factors.clear_grad();
      if (threads == 1) first = all;
      EXPECT_EQ(all, first) << threads << " threads";
    }
  });
  set_num_threads(threads_before);
}

// ---- what is refused

TEST(OpEmbeddingBag, BrokenInputOffsets) {
  const Tensor weight = table(), ids = tensor({0, 1, 2, 3, 0});
  const auto bag = [&](const Tensor& offsets, bool last = false) {
    return embedding_bag(weight, ids, offsets, {.include_last_offset = last});
  };
  EXPECT_ERROR(bag(tensor({1, 2})), IndexError,
               "embedding_bag: offset 1 at position 0 is not 0, where the first bag starts");
  EXPECT_ERROR(bag(tensor({-1, 2})), IndexError,
               "embedding_bag: offset -1 at position 0 is not 0, where the first bag starts");
  EXPECT_ERROR(bag(tensor({0, 4, 3, 9})), IndexError,
               "embedding_bag: offset 3 at position 2 is below the 4 before it: offsets never "
               "decrease");
  EXPECT_ERROR(bag(tensor({0, 6, 3})), IndexError,
               "embedding_bag: offset 6 at position 1 is above 5, the number of ids");
  EXPECT_ERROR(bag(tensor({0, 4}), true), IndexError,
               "embedding_bag: offset 4 at position 1, the last, is not 5, the number of ids, as "
               "include_last_offset says");
  const Tensor none = empty({0}, DType::int64);
  EXPECT_ERROR(bag(none), IndexError,
               "embedding_bag: there are 5 ids and no offsets: the first bag starts at 0");
  EXPECT_ERROR(embedding_bag(weight, none, none, {.include_last_offset = true}), IndexError,
               "embedding_bag: there are 0 ids and no offsets: include_last_offset needs the last "
               "one");
  EXPECT_ERROR(bag(tensor({0.0f})), DTypeError,
               "embedding_bag: offsets are float32, int64 is needed: convert them with "
               "to(DType::int64)");
  EXPECT_ERROR(bag(tensor({0, 1}, {1, 2})), ShapeError,
               "embedding_bag: offsets are [1, 2]: a vector is needed");
}

TEST(OpEmbeddingBag, BrokenInputIdsAndShapes) {
  const Tensor weight = table();
  EXPECT_ERROR(embedding_bag(weight, tensor({0, 4}), tensor({0})), IndexError,
               "embedding_bag: index 4 at position [1] is outside [0, 4)");
  EXPECT_ERROR(embedding_bag(weight, tensor({0, 1, -1, 9}, {2, 2})), IndexError,
               "embedding_bag: index -1 at position [1, 0] is outside [0, 4)");
  EXPECT_ERROR(embedding_bag(weight, tensor({1.0f}), tensor({0})), DTypeError,
               "embedding_bag: ids are float32, int64 is needed: convert them with "
               "to(DType::int64)");
  EXPECT_ERROR(embedding_bag(weight, tensor({0, 1}, {1, 2}), tensor({0})), ShapeError,
               "embedding_bag: ids are [1, 2] and offsets [1]: each row of ids is a bag, which "
               "needs no offsets");
  EXPECT_ERROR(embedding_bag(weight, tensor({0, 1})), ShapeError,
               "embedding_bag: ids are [2] without offsets: give the position where each bag "
               "starts, or ids [B, T]");
  EXPECT_ERROR(embedding_bag(weight, tensor({0, 1}, {1, 2, 1})), ShapeError,
               "embedding_bag: ids are [1, 2, 1]: [B, T], or [n] with offsets, is needed");
  EXPECT_ERROR(embedding_bag(zeros({4}), tensor({0}), tensor({0})), ShapeError,
               "embedding_bag: weight is [4]: a matrix [V, D] is needed");
  EXPECT_THROW(embedding_bag(zeros({4, 2}, DType::int64), tensor({0}), tensor({0})), DTypeError);
}

TEST(OpEmbeddingBag, BrokenInputOptions) {
  const Tensor weight = table(), ids = tensor({0, 1}), offsets = tensor({0});
  const auto bag = [&](const EmbeddingBagLookup& lookup, const Tensor& factors = {}) {
    return embedding_bag(weight, ids, offsets, lookup, factors);
  };
  EXPECT_ERROR(bag({.padding_idx = 4}), IndexError,
               "embedding_bag: padding_idx 4 is outside [0, 4): -1 stands for none");
  EXPECT_THROW(bag({.padding_idx = -2}), IndexError);
  EXPECT_ERROR(
      bag({.mode = BagMode::max, .sparse = true}), ValueError,
      "embedding_bag: mode max has no sparse gradients: use sum or mean, or .sparse = false");
  EXPECT_ERROR(bag({.mode = BagMode::max, .scale_grad_by_freq = true}), ValueError,
               "embedding_bag: scale_grad_by_freq does not apply to mode max: use sum or mean");
  EXPECT_ERROR(bag({.mode = BagMode::mean}, tensor({1.0, 2.0})), ValueError,
               "embedding_bag: per_sample_weights do not apply to mode mean: use sum");
  EXPECT_THROW(bag({.mode = BagMode::max}, tensor({1.0, 2.0})), ValueError);
  EXPECT_ERROR(bag({.mode = BagMode::sum}, tensor({1.0})), ShapeError,
               "embedding_bag: per_sample_weights are [1], ids [2]: the shapes must be equal");
  EXPECT_ERROR(bag({.mode = BagMode::sum}, tensor({1.0f, 2.0f})), DTypeError,
               "embedding_bag: per_sample_weights are float32, weight is float64: convert with "
               "to()");
}

}  // namespace
}  // namespace gradus
