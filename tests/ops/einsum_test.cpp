#include <gradus/framework/base/memory.h>
#include <gradus/framework/ops/einsum.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/matmul.h>
#include <gradus/framework/ops/product.h>
#include <gradus/tests/support/op_cases.h>
#include <gradus/tests/support/threads_guard.h>

#include <map>
#include <sstream>

#include "shape_testing.h"

namespace gradus {
namespace {

using Values = std::vector<double>;
using Sizes = std::vector<std::int64_t>;

// The sum over all indices of the letters that the result lacks, element by element. Only letters,
// with "->".
Tensor naive_einsum(const std::string& equation, const std::vector<Tensor>& operands) {
  const std::size_t arrow = equation.find("->");
  std::vector<std::string> terms;
  std::istringstream in(equation.substr(0, arrow));
  for (std::string term; std::getline(in, term, ',');) terms.push_back(term);
  terms.resize(operands.size());
  const std::string result = equation.substr(arrow + 2);
  std::map<char, std::int64_t> sizes;
  for (std::size_t i = 0; i < terms.size(); ++i) {
    for (std::size_t axis = 0; axis < terms[i].size(); ++axis) {
      std::int64_t& size = sizes.emplace(terms[i][axis], 1).first->second;
      if (size == 1) size = operands[i].shape()[static_cast<int>(axis)];
    }
  }
  std::string summed;
  for (const auto& [letter, size] : sizes) {
    if (result.find(letter) == std::string::npos) summed += letter;
  }
  const auto shape_of = [&](const std::string& letters) {
    Sizes shape;
    for (const char letter : letters) shape.push_back(sizes.at(letter));
    return Shape(shape);
  };
  std::map<char, std::int64_t> where;
  const auto set = [&](const std::string& letters, const Index& index) {
    for (std::size_t i = 0; i < letters.size(); ++i) where[letters[i]] = index[i];
  };
  const Values values = by_index(shape_of(result), [&](const Index& outer) {
    set(result, outer);
    double total = 0;
    for (const double product : by_index(shape_of(summed), [&](const Index& inner) {
           set(summed, inner);
           double product = 1;
           for (std::size_t i = 0; i < terms.size(); ++i) {
             Index index;
             for (std::size_t axis = 0; axis < terms[i].size(); ++axis) {
               const bool one = operands[i].shape()[static_cast<int>(axis)] == 1;
               index.push_back(one ? 0 : where.at(terms[i][axis]));
             }
             product *= at(operands[i], index);
           }
           return product;
         })) {
      total += product;
    }
    return total;
  });
  return tensor(values, shape_of(result));
}

struct Pattern {
  std::string equation;
  std::vector<Shape> shapes;
};

const std::vector<Pattern>& patterns() {
  static const std::vector<Pattern> all{
      // one operand
      {"ij->ji", {{2, 3}}},
      {"ij->ij", {{2, 3}}},
      {"ij->i", {{2, 3}}},
      {"ij->j", {{2, 3}}},
      {"ij->", {{2, 3}}},
      {"ii->i", {{3, 3}}},
      {"ii->", {{3, 3}}},
      {"iij->j", {{2, 2, 3}}},
      {"iji->ji", {{2, 3, 2}}},
      {"iii->i", {{3, 3, 3}}},
      {"ijij->ji", {{2, 3, 2, 3}}},
      {"abcd->cadb", {{2, 3, 2, 4}}},
      {"->", {{}}},
      // two operands
      {"ij,jk->ik", {{2, 3}, {3, 4}}},
      {"ij,kj->ik", {{2, 3}, {4, 3}}},
      {"ji,jk->ik", {{3, 2}, {3, 4}}},
      {"ji,kj->ki", {{3, 2}, {4, 3}}},
      {"ij,j->i", {{2, 3}, {3}}},
      {"j,jk->k", {{3}, {3, 4}}},
      {"i,i->", {{4}, {4}}},
      {"i,i->i", {{4}, {4}}},
      {"i,j->ij", {{2}, {3}}},
      {"i,j->ji", {{2}, {3}}},
      {"i,j->j", {{2}, {3}}},
      {"i,j->", {{2}, {3}}},
      {"ij,ij->", {{2, 3}, {2, 3}}},
      {"ij,ij->i", {{2, 3}, {2, 3}}},
      {"ij,ij->ji", {{2, 3}, {2, 3}}},
      {"ij,ji->", {{2, 3}, {3, 2}}},
      {"ij,i->j", {{2, 3}, {2}}},
      {"ij,->ij", {{2, 3}, {}}},
      {",->", {{}, {}}},
      {"bij,bjk->bik", {{2, 3, 2}, {2, 2, 4}}},
      {"bij,bkj->bik", {{2, 3, 2}, {2, 4, 2}}},
      {"bij,jk->bik", {{2, 3, 2}, {2, 4}}},
      {"ibj,bkj->ikb", {{3, 2, 2}, {2, 4, 2}}},
      {"bthd,bshd->bhts", {{2, 3, 2, 4}, {2, 2, 2, 4}}},
      {"bhts,bshd->bthd", {{2, 2, 3, 2}, {2, 2, 2, 4}}},
      {"abcd,cdef->abef", {{2, 2, 3, 2}, {3, 2, 2, 2}}},
      {"abcd,dcfe->eabf", {{2, 2, 3, 2}, {2, 3, 2, 3}}},
      {"ii,ij->j", {{3, 3}, {3, 2}}},
      {"ij,jj->ij", {{2, 3}, {3, 3}}},
      {"bn,anm,bm->ba", {{2, 3}, {2, 3, 4}, {2, 4}}},
      {"Aa,aB->AB", {{2, 3}, {3, 4}}},
      // sizes of 1
      {"ij,jk->ik", {{2, 1}, {3, 4}}},
      {"ij,ij->ij", {{1, 3}, {2, 1}}},
      {"ij,ij->j", {{1, 3}, {2, 3}}},
      {"i,i,i->i", {{1}, {3}, {1}}},
      {"ii,i->i", {{1, 1}, {3}}},
      {"i,i->i", {{1}, {1}}},
      // three operands and more
      {"ij,jk,kl->il", {{2, 3}, {3, 2}, {2, 4}}},
      {"i,ij,j->", {{2}, {2, 3}, {3}}},
      {"ij,ik,il->jkl", {{2, 3}, {2, 2}, {2, 4}}},
      {"i,j,k,l->lkji", {{2}, {3}, {2}, {2}}},
      {"ab,bc,ca->", {{2, 3}, {3, 4}, {4, 2}}},
      {"ab,cb,db->acd", {{2, 3}, {2, 3}, {4, 3}}},
      // nothing
      {"ij,jk->ik", {{2, 0}, {0, 3}}},
      {"ij,jk->ik", {{0, 2}, {2, 3}}},
      {"bij,bjk->bik", {{0, 2, 3}, {0, 3, 2}}},
      {"ij->i", {{2, 0}}},
      {"ij,ij->i", {{3, 0}, {3, 0}}},
  };
  return all;
}

std::vector<Tensor> operands_of(const Pattern& pattern) { return leaves(pattern.shapes)(); }

TEST(Einsum, AgreesWithTheSumOverAllIndices) {
  for (const Pattern& pattern : patterns()) {
    SCOPED_TRACE(pattern.equation);
    const std::vector<Tensor> operands = operands_of(pattern);
    const Tensor expected = naive_einsum(pattern.equation, operands);
    EXPECT_TRUE(
        is_close(einsum(pattern.equation, operands), expected.shape(), values_of(expected), 1e-14));
    std::vector<Tensor> narrow;
    for (const Tensor& x : operands) narrow.push_back(x.detach().to(DType::float32));
    EXPECT_TRUE(
        is_close(einsum(pattern.equation, narrow), expected.shape(), values_of(expected), 1e-5));
  }
}

TEST(Einsum, GradientOfEveryPattern) {
  for (const Pattern& pattern : patterns()) {
    SCOPED_TRACE(pattern.equation);
    EXPECT_TRUE(passes_gradcheck([&](const Inputs& in) { return einsum(pattern.equation, in); },
                                 operands_of(pattern)));
  }
  EXPECT_TRUE(passes_gradcheck(
      [](const Inputs& in) {
        return einsum("ij,jk,ki->i", {in[0], in[0], in[0]});
      },
      {random_leaf({3, 3})}));
}

TEST(Einsum, WithoutAnArrowHasTheLettersThatAreThereOnce) {
  const std::vector<std::pair<std::string, std::string>> same{{"ij,jk", "ij,jk->ik"},
                                                              {"ba,bc", "ba,bc->ac"},
                                                              {"ii", "ii->"},
                                                              {"ba", "ba->ab"},
                                                              {"ij,ij", "ij,ij->"},
                                                              {"bA,bc", "bA,bc->Ac"},
                                                              {" i j , j k ", "ij,jk->ik"},
                                                              {"cb,a", "cb,a->abc"}};
  for (const auto& [text, full] : same) {
    SCOPED_TRACE(text);
    std::vector<Tensor> operands;
    const std::string terms = full.substr(0, full.find('-'));
    std::istringstream in(terms);
    for (std::string term; std::getline(in, term, ',');) {
      operands.push_back(counting(Shape(Sizes(term.size(), 3))) + 1);
    }
    const Tensor expected = naive_einsum(full, operands);
    EXPECT_TRUE(has_values(einsum(text, operands), expected.shape(), values_of(expected)));
  }
}

TEST(Einsum, EllipsisStandsForAxesWithoutALetter) {
  // Each with letters in place of the axes; a missing one is broadcast.
  const std::vector<std::pair<Pattern, std::string>> same{
      {{"...ij,...jk->...ik", {{2, 3, 2, 4}, {2, 3, 4, 2}}}, "abij,abjk->abik"},
      {{"...ij,...jk", {{2, 3, 2, 4}, {2, 3, 4, 2}}}, "abij,abjk->abik"},
      {{"...ij,...jk->...ik", {{2, 3, 2, 4}, {3, 4, 2}}}, "abij,bjk->abik"},
      {{"...ij,jk->...ik", {{2, 3, 2, 4}, {4, 2}}}, "abij,jk->abik"},
      {{"...ij,...jk->...ik", {{2, 1, 2, 4}, {1, 3, 4, 2}}}, "abij,abjk->abik"},
      {{"...ij,...jk->ik", {{2, 3, 2, 4}, {3, 4, 2}}}, "abij,bjk->ik"},
      {{"...i->...", {{2, 3, 4}}}, "abi->ab"},
      {{"i...->...i", {{2, 3, 4}}}, "iab->abi"},
      {{"i...j", {{2, 3, 4}}}, "iaj->aij"},
      {{"...", {{2, 3}}}, "ab->ab"},
      {{"...,...", {{2, 3}, {3}}}, "ab,b->ab"},
      {{"...->", {{2, 3}}}, "ab->"},
      {{"i...i->...", {{2, 3, 2}}}, "iai->a"},
      {{"...i,i->...", {{3}, {3}}}, "i,i->"},
      {{"b...,bd->...d", {{2, 3, 2}, {2, 4}}}, "bac,bd->acd"}};
  for (const auto& [pattern, letters] : same) {
    SCOPED_TRACE(pattern.equation);
    const std::vector<Tensor> operands = operands_of(pattern);
    const Tensor expected = naive_einsum(letters, operands);
    EXPECT_TRUE(
        is_close(einsum(pattern.equation, operands), expected.shape(), values_of(expected), 1e-14));
    EXPECT_TRUE(passes_gradcheck(
        [&, &equation = pattern.equation](const Inputs& in) { return einsum(equation, in); },
        operands));
  }
}

TEST(Einsum, TakesAnyDTypeOfOneOperand) {
  EXPECT_TRUE(has_values(einsum("ij->ji", {tensor({1, 2, 3, 4}, {2, 2})}), {2, 2}, {1, 3, 2, 4}));
  EXPECT_TRUE(has_values(einsum("ii", {tensor({1, 2, 3, 4}, {2, 2})}), {}, {5}));
  EXPECT_TRUE(has_values(einsum("i->", {tensor({true, false, true})}), {}, {2}));
}

TEST(Einsum, Copies) {
  expect_copied([](const Tensor& x) { return einsum("abc", {x}); });
  expect_copied([](const Tensor& x) { return einsum("...", {x}); });
  expect_copied([](const Tensor& x) { return einsum("abc,->abc", {x, scalar(1.0)}); });
}

TEST(Einsum, TransposesNoOperandOfAMatrixProduct) {
  const OneThread one;
  const Tensor a = ones({512, 512}), b = ones({512, 512});
  const auto peak_of = [](const auto& make) {
    const std::int64_t before = memory_stats().live;
    reset_peak_memory();
    const Tensor y = make();
    EXPECT_EQ(y.data<float>()[7], 512.0f);
    return memory_stats().peak - before;
  };
  for (const bool trans_a : {false, true}) {
    for (const bool trans_b : {false, true}) {
      const std::string equation =
          std::string(trans_a ? "ji" : "ij") + (trans_b ? ",kj" : ",jk") + "->ik";
      const std::int64_t product =
          peak_of([&] { return matmul(a, b, {.trans_a = trans_a, .trans_b = trans_b}); });
      const std::int64_t peak = peak_of([&] { return einsum(equation, {a, b}); });
      EXPECT_LT(peak, product + 512 * 1024) << equation;  // a copy has twice as many bytes
    }
  }
}

TEST(Einsum, RefusesEquationsThatItDoesNotUnderstand) {
  const Tensor x = zeros({2, 3}), v = zeros({3});
  EXPECT_ERROR(einsum("ij,jk->ik", {x}), ValueError, "einsum: 'ij,jk->ik': 2 terms for 1 operands");
  EXPECT_ERROR(einsum("", {}), ValueError, "einsum: '': 1 terms for 0 operands");
  EXPECT_ERROR(einsum("i1->i", {x}), ValueError,
               "einsum: 'i1->i': '1' at position 1 is neither a letter, ',', '->' nor the only "
               "'...' of a term");
  EXPECT_ERROR(einsum("i..", {x}), ValueError,
               "einsum: 'i..': '.' at position 1 is neither a letter, ',', '->' nor the only "
               "'...' of a term");
  EXPECT_THROW(einsum("...i...", {x}), ValueError);
  EXPECT_ERROR(einsum("ij-i", {x}), ValueError, "einsum: 'ij-i': a '-' is not followed by '>'");
  EXPECT_ERROR(einsum("ij->i,j", {x}), ValueError,
               "einsum: 'ij->i,j': there is more than one term after '->'");
  EXPECT_THROW(einsum("ij->i->j", {x}), ValueError);
  EXPECT_ERROR(einsum("ij->ii", {x}), ValueError,
               "einsum: 'ij->ii': subscript i appears twice in the result");
  EXPECT_ERROR(einsum("ij->ik", {x}), ValueError,
               "einsum: 'ij->ik': subscript k of the result is in no term");
}

TEST(Einsum, RefusesShapesThatDoNotFit) {
  const Tensor x = zeros({2, 3}), y = zeros({4, 5});
  EXPECT_ERROR(einsum("ij,jk->ik", {x, y}), ShapeError,
               "einsum: 'ij,jk->ik': subscript j has size 3 in operand 0, [2, 3], and 4 in "
               "operand 1, [4, 5]");
  EXPECT_ERROR(einsum("i,ij,jk", {ones({1}), x, y}), ShapeError,
               "einsum: 'i,ij,jk': subscript j has size 3 in operand 1, [2, 3], and 4 in "
               "operand 2, [4, 5]");
  EXPECT_ERROR(einsum("ii", {x}), ShapeError,
               "einsum: 'ii': subscript i has sizes 2 and 3 in operand 0, [2, 3]");
  EXPECT_ERROR(einsum("ii", {ones({1, 3})}), ShapeError,
               "einsum: 'ii': subscript i has sizes 1 and 3 in operand 0, [1, 3]");
  EXPECT_ERROR(einsum("ij,jkl->ik", {x, y}), ShapeError,
               "einsum: 'ij,jkl->ik': term 1 has 3 subscripts, operand 1 is [4, 5]");
  EXPECT_ERROR(einsum("i->i", {x}), ShapeError,
               "einsum: 'i->i': term 0 has 1 subscripts, operand 0 is [2, 3]");
  EXPECT_ERROR(einsum("...ijk->i", {x}), ShapeError,
               "einsum: '...ijk->i': term 0 has 3 subscripts, operand 0 is [2, 3]");
  EXPECT_ERROR(einsum("...i,...i", {x, zeros({4, 3})}), ShapeError,
               "einsum: '...i,...i': axis -1 of '...' has size 2 in operand 0, [2, 3], and 4 in "
               "operand 1, [4, 3]");
}

TEST(Einsum, RefusesMixedAndIntegerDTypes) {
  EXPECT_ERROR(einsum("i,i", {zeros({2}), zeros({2}, DType::float64)}), DTypeError,
               "einsum: dtypes differ: operand 0 is float32, operand 1 is float64");
  EXPECT_ERROR(einsum("i,i", {arange(2), arange(2)}), DTypeError,
               "einsum: operands of dtype int64: products are of float32 and float64");
}

TEST(Tensordot, SumsOverTheAxesTogether) {
  const Tensor a = frozen(random_leaf({2, 3, 4}, 1)), b = frozen(random_leaf({4, 3, 5}, 2));
  const auto check = [&](const Tensor& y, const std::string& equation) {
    const Tensor expected = naive_einsum(equation, {a, b});
    EXPECT_TRUE(is_close(y, expected.shape(), values_of(expected), 1e-14)) << equation;
  };
  check(tensordot(a, b, {2, 1}, {0, 1}), "ijk,kjl->il");
  check(tensordot(a, b, {1, -1}, {-2, 0}), "ijk,kjl->il");
  check(tensordot(a, b, 1), "ijk,klm->ijlm");
  check(tensordot(a, b, 0), "ijk,lmn->ijklmn");
  check(tensordot(a, b, {1}, {1}), "ijk,ljm->iklm");
  EXPECT_TRUE(has_values(tensordot(a, a, 3), {}, values_of(naive_einsum("abc,abc->", {a, a}))));
  EXPECT_TRUE(passes_gradcheck(
      [](const Inputs& in) {
        return tensordot(in[0], in[1], {2, 0}, {0, 1});
      },
      {random_leaf({2, 3, 4}, 1), random_leaf({4, 2, 2}, 2)}));
  EXPECT_EQ(tensordot(zeros({2, 0}), zeros({0, 3}), 1).shape(), Shape({2, 3}));
}

TEST(Tensordot, NamesAxesThatDoNotFit) {
  const Tensor a = zeros({2, 3}), b = zeros({4, 3});
  EXPECT_ERROR(tensordot(a, b, {1}, {0}), ShapeError,
               "tensordot: axis 1 of [2, 3] and axis 0 of [4, 3] have different sizes");
  EXPECT_ERROR(tensordot(a, b, {1, 0}, Sizes{1}), ValueError, "tensordot: 2 axes of a, 1 of b");
  EXPECT_ERROR(tensordot(a, b, {1, -1}, {1, 0}), ValueError,
               "tensordot: axis -1 is given twice for a tensor of shape [2, 3]");
  EXPECT_ERROR(tensordot(a, b, {2}, {0}), IndexError, "tensordot: axis 2 is outside [-2, 2)");
  EXPECT_ERROR(tensordot(a, b, 3), IndexError, "tensordot: 3 axes of [2, 3] and of [4, 3]");
  EXPECT_ERROR(tensordot(a, b.to(DType::float64), {1}, {1}), DTypeError,
               "tensordot: dtypes differ: a is float32 [2, 3], b is float64 [4, 3]: convert one "
               "with to()");
  EXPECT_ERROR(tensordot(arange(2), arange(2), 1), DTypeError,
               "tensordot: a tensor of dtype int64 where float32 or float64 is needed");
}

}  // namespace
}  // namespace gradus
