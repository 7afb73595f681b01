#include <gradus/framework/metrics/span_f1.h>
#include <gradus/tests/support/op_testing.h>

#include <sstream>
#include <string>
#include <vector>

namespace gradus {

void PrintTo(const TagSpan& span, std::ostream* out) {
  *out << span.type << "[" << span.begin << ", " << span.end << ")";
}

namespace {

using Tags = std::vector<std::string>;
using Spans = std::vector<TagSpan>;

Tags tags(const std::string& text) {
  std::istringstream words(text);
  return {std::istream_iterator<std::string>(words), {}};
}

Spans spans(const std::string& text, TagScheme scheme, InvalidTags invalid = InvalidTags::refuse) {
  return tag_spans(tags(text), scheme, invalid);
}

TEST(TagSpans, OfEachScheme) {
  const Spans expected = {{0, 2, "X"}, {2, 3, "X"}, {4, 5, "Y"}, {5, 8, "X"}};
  EXPECT_EQ(spans("I-X I-X B-X O I-Y I-X I-X I-X", TagScheme::iob1), expected);
  EXPECT_EQ(spans("B-X I-X B-X O B-Y B-X I-X I-X", TagScheme::iob2), expected);
  EXPECT_EQ(spans("I-X E-X I-X O I-Y I-X I-X I-X", TagScheme::ioe1), expected);
  EXPECT_EQ(spans("I-X E-X E-X O E-Y I-X I-X E-X", TagScheme::ioe2), expected);
  EXPECT_EQ(spans("B-X E-X S-X O S-Y B-X I-X E-X", TagScheme::iobes), expected);
}

TEST(TagSpans, OfInvalidTagsAreRepairedOrDiscarded) {
  const auto both = [](const std::string& text, TagScheme scheme, const Spans& repaired,
                       const Spans& kept) {
    SCOPED_TRACE(text);
    EXPECT_EQ(spans(text, scheme, InvalidTags::repair), repaired);
    EXPECT_EQ(spans(text, scheme, InvalidTags::discard), kept);
    EXPECT_THROW(spans(text, scheme, InvalidTags::refuse), FormatError);
  };
  both("O I-X I-X O B-X", TagScheme::iob2, {{1, 3, "X"}, {4, 5, "X"}}, {{4, 5, "X"}});
  both("B-X I-Y I-Y", TagScheme::iob2, {{0, 1, "X"}, {1, 3, "Y"}}, {{0, 1, "X"}});
  both("O B-X I-X", TagScheme::iob1, {{1, 3, "X"}}, {});
  both("I-Y B-X I-X", TagScheme::iob1, {{0, 1, "Y"}, {1, 3, "X"}}, {{0, 1, "Y"}});
  both("I-X E-X O I-X", TagScheme::ioe1, {{0, 2, "X"}, {3, 4, "X"}}, {{3, 4, "X"}});
  both("I-X I-X O E-X", TagScheme::ioe2, {{0, 2, "X"}, {3, 4, "X"}}, {{3, 4, "X"}});
  both("I-X E-Y", TagScheme::ioe2, {{0, 1, "X"}, {1, 2, "Y"}}, {{1, 2, "Y"}});
  both("B-X I-X S-X E-X", TagScheme::iobes, {{0, 2, "X"}, {2, 3, "X"}, {3, 4, "X"}}, {{2, 3, "X"}});
  both("B-X E-Y B-Z", TagScheme::iobes, {{0, 1, "X"}, {1, 2, "Y"}, {2, 3, "Z"}}, {});
}

TEST(TagSpans, RefusalsNameTheTag) {
  EXPECT_ERROR(
      spans("O I-X", TagScheme::iob2), FormatError,
      "tag_spans: tag 1: I-X after O is not valid in IOB2: repair or discard such tags with "
      "options.invalid");
  EXPECT_ERROR(spans("I-X", TagScheme::iobes), FormatError,
               "tag_spans: tag 0: I-X after the beginning is not valid in IOBES: repair or discard "
               "such tags with options.invalid");
  EXPECT_ERROR(
      spans("O B-X", TagScheme::iobes), FormatError,
      "tag_spans: tag 2: the end after B-X is not valid in IOBES: repair or discard such tags "
      "with options.invalid");
}

TEST(TagSpans, TypesMayBeMissingAndHoldDashes) {
  EXPECT_EQ(spans("B I O B", TagScheme::iob2), (Spans{{0, 2, ""}, {3, 4, ""}}));
  EXPECT_EQ(spans("B-a-b I-a-b", TagScheme::iob2), (Spans{{0, 2, "a-b"}}));
  EXPECT_TRUE(spans("", TagScheme::iob2).empty());
  EXPECT_TRUE(spans("O O", TagScheme::iobes).empty());
}

TEST(TagSpans, RefuseOtherTags) {
  for (const char* text : {"O X-PER", "O B-", "O S-X", "O PER", "O O-X", "O b-X"}) {
    SCOPED_TRACE(text);
    const std::string tag = std::string(text).substr(2);
    EXPECT_ERROR(
        spans(text, TagScheme::iob2, InvalidTags::repair), FormatError,
        "tag_spans: '" + tag + "', tag 1, is none of IOB2: O, or a prefix, '-' and a type");
  }
  EXPECT_THROW(tag_spans(Tags{""}), FormatError);
}

TEST(SpanF1, CountsWholeSpans) {
  SpanF1 f1;
  f1.add(tags("B-PER I-PER O B-LOC B-ORG"), tags("B-PER I-PER O B-LOC I-LOC"));
  f1.add(tags("O B-PER"), tags("B-LOC B-PER"));
  const SpanResult result = f1.result();
  EXPECT_DOUBLE_EQ(result.all.precision, 2.0 / 4);
  EXPECT_DOUBLE_EQ(result.all.recall, 2.0 / 4);
  EXPECT_DOUBLE_EQ(result.all.f1, 0.5);
  EXPECT_EQ(result.all.support, 4);
  EXPECT_DOUBLE_EQ(result.types.at("PER").f1, 1);
  EXPECT_DOUBLE_EQ(result.types.at("LOC").precision, 0);
  EXPECT_EQ(result.types.at("LOC").support, 2);
  EXPECT_EQ(result.types.at("ORG").support, 0);
  EXPECT_EQ(result.types.size(), 3U);
  EXPECT_DOUBLE_EQ(result.accuracy, 5.0 / 7);
}

TEST(SpanF1, WithoutSpansIsZero) {
  SpanF1 f1;
  f1.add(tags("O O"), tags("O O"));
  EXPECT_EQ(f1.result().all.f1, 0);
  EXPECT_EQ(f1.result().accuracy, 1);
  EXPECT_TRUE(f1.result().types.empty());
}

SpanF1 by_id() { return SpanF1({.tags = {"O", "B-X", "I-X"}}); }

TEST(SpanF1, TakesIdsWithinLengths) {
  SpanF1 f1 = by_id();
  const Tensor labels = tensor({{1, 2, 0}, {1, 1, 9}});
  f1.add(tensor({{1, 2, 0}, {1, 0, 9}}), labels, tensor({3, 2}));
  EXPECT_DOUBLE_EQ(f1.result().all.precision, 1);
  EXPECT_DOUBLE_EQ(f1.result().all.recall, 2.0 / 3);
  EXPECT_DOUBLE_EQ(f1.result().accuracy, 4.0 / 5);
}

TEST(SpanF1, TakesScoresAndLeavesOutIgnoredPositions) {
  SpanF1 f1 = by_id();
  // B-X, ignored, I-X: the word's second piece is no token of the sequence.
  f1.add(tensor({{{0.0, 1.0, 0.0}, {not_a_number, 0.0, 0.0}, {0.0, 0.0, 1.0}}}),
         tensor({{1, -100, 2}}));
  EXPECT_EQ(f1.result().all.f1, 1);
  EXPECT_EQ(f1.result().all.support, 1);
}

TEST(SpanF1, SequencesDoNotTouch) {
  SpanF1 f1 = by_id();
  f1.add(tensor({{1}, {2}}), tensor({{1}, {1}}));
  EXPECT_EQ(f1.result().all.f1, 1);
}

TEST(SpanF1, MergesCounts) {
  SpanF1 a, b;
  a.add(tags("B-X"), tags("B-X"));
  b.add(tags("B-Y O"), tags("O B-X"));
  a.merge(b);
  EXPECT_DOUBLE_EQ(a.result().all.f1, 0.5);
  EXPECT_EQ(a.result().types.size(), 2U);
  EXPECT_DOUBLE_EQ(a.result().accuracy, 1.0 / 3);
  EXPECT_ERROR(a.merge(SpanF1({.scheme = TagScheme::iob1})), ValueError,
               "SpanF1: merge: the options here are not those there");
}

TEST(SpanF1, BrokenInputSaysWhatIsWrongAndChangesNothing) {
  EXPECT_ERROR(SpanF1().result(), ValueError,
               "SpanF1: there is no result yet: nothing that counts was added");
  EXPECT_ERROR(SpanF1().add(tags("O"), tags("O O")), ShapeError,
               "SpanF1: there are 1 predicted tags and 2 labels: they belong together one by one");
  EXPECT_ERROR(SpanF1().add(tensor({{0}}), tensor({{0}})), ValueError,
               "SpanF1: the ids have no names: give them as options.tags");
  EXPECT_ERROR(SpanF1({.tags = {"O", "S-X"}}), FormatError,
               "SpanF1: 'S-X', tag 1, is none of IOB2: O, or a prefix, '-' and a type");
  SpanF1 f1 = by_id();
  EXPECT_ERROR(f1.add(tensor({1, 2}), tensor({1, 2})), ShapeError,
               "SpanF1: labels are [2]: sequences [B, T] are needed");
  EXPECT_ERROR(f1.add(tensor({{1, 3}}), tensor({{1, 2}})), IndexError,
               "SpanF1: prediction 3 at position [0, 1] is outside [0, 3)");
  EXPECT_ERROR(f1.add(tensor({{1, 2}}), tensor({{1, 2}}), tensor({3})), IndexError,
               "SpanF1: length 3 at position [0] is outside [0, 2]");
  EXPECT_ERROR(f1.add(tensor({{1, 2}}), tensor({{1, 2}}), tensor({1, 1})), ShapeError,
               "SpanF1: shapes do not fit: labels are [1, 2], lengths are [2]");
  EXPECT_ERROR(f1.add(tensor({{1, 2}}), tensor({{1, 2}}), tensor({1.0})), DTypeError,
               "SpanF1: lengths are float64, int64 is needed");
  SpanF1 strict({.invalid = InvalidTags::refuse, .tags = {"O", "B-X", "I-X"}});
  EXPECT_ERROR(strict.add(tensor({{1}, {2}}), tensor({{1}, {1}})), FormatError,
               "SpanF1: sequence 1: predictions: tag 0: I-X after the beginning is not valid in "
               "IOB2: repair or discard such tags with options.invalid");
  EXPECT_THROW(strict.result(), ValueError);
}

TEST(SpanF1, ListsAllTypesOfItsTags) {
  SpanF1 f1({.tags = {"O", "B-PER", "I-PER", "B-LOC"}});
  f1.add(tags("O B-ORG"), tags("O O"));
  const SpanResult result = f1.result();
  EXPECT_EQ(result.types.size(), 3U);
  EXPECT_EQ(result.types.at("LOC").f1, 0);
  EXPECT_EQ(result.types.at("LOC").support, 0);
  EXPECT_EQ(result.types.count("O"), 0U);
}

}  // namespace
}  // namespace gradus
