// How the golden cases call the losses.
#include <gradus/framework/ops/nn/loss.h>
#include <gradus/tests/golden/golden_case.h>

namespace gradus::golden {
namespace {

/// Input i if the case has the flag, else none.
Tensor optional_input(const Case& c, const char* flag, std::size_t i) {
  return c.flag(flag) ? c.inputs[i] : Tensor();
}

double number_or(const Case& c, const char* option, double otherwise) {
  return c.has(option) ? c.number(option) : otherwise;
}

CrossEntropyOptions cross_entropy_options(const Case& c, std::size_t weight) {
  return {.weight = optional_input(c, "weight", weight),
          .ignore_index = c.integer("ignore_index"),
          .reduction = c.reduction(),
          .label_smoothing = number_or(c, "label_smoothing", 0)};
}

void add_classes(Runners& all) {
  all["cross_entropy"] = [](Case& c) -> Results {
    return {cross_entropy(c.inputs[0], c.inputs[1], cross_entropy_options(c, 2))};
  };
  all["nll_loss"] = [](Case& c) -> Results {
    return {nll_loss(c.inputs[0], c.inputs[1],
                     {.weight = optional_input(c, "weight", 2),
                      .ignore_index = c.integer("ignore_index"),
                      .reduction = c.reduction()})};
  };
  all["linear_cross_entropy"] = [](Case& c) -> Results {
    const std::size_t labels = c.flag("bias") ? 3 : 2;
    return {linear_cross_entropy(c.inputs[0], c.inputs[1], optional_input(c, "bias", 2),
                                 c.inputs[labels], cross_entropy_options(c, labels + 1))};
  };
}

void add_pairs(Runners& all) {
  all["mse_loss"] = [](Case& c) -> Results {
    return {mse_loss(c.inputs[0], c.inputs[1], c.reduction())};
  };
  all["l1_loss"] = [](Case& c) -> Results {
    return {l1_loss(c.inputs[0], c.inputs[1], c.reduction())};
  };
  all["smooth_l1_loss"] = [](Case& c) -> Results {
    return {smooth_l1_loss(c.inputs[0], c.inputs[1],
                           {.beta = c.number("beta"), .reduction = c.reduction()})};
  };
  all["huber_loss"] = [](Case& c) -> Results {
    return {huber_loss(c.inputs[0], c.inputs[1],
                       {.delta = c.number("delta"), .reduction = c.reduction()})};
  };
  all["kl_div"] = [](Case& c) -> Results {
    return {kl_div(c.inputs[0], c.inputs[1],
                   {.log_target = c.flag("log_target"),
                    .batch_mean = c.flag("batch_mean"),
                    .reduction = c.reduction()})};
  };
}

void add_answers(Runners& all) {
  all["binary_cross_entropy"] = [](Case& c) -> Results {
    return {binary_cross_entropy(
        c.inputs[0], c.inputs[1],
        {.weight = optional_input(c, "weight", 2), .reduction = c.reduction()})};
  };
  all["binary_cross_entropy_with_logits"] = [](Case& c) -> Results {
    return {binary_cross_entropy_with_logits(
        c.inputs[0], c.inputs[1],
        {.weight = optional_input(c, "weight", 2),
         .pos_weight = optional_input(c, "pos_weight", c.flag("weight") ? 3 : 2),
         .reduction = c.reduction()})};
  };
  all["sigmoid_focal_loss"] = [](Case& c) -> Results {
    return {sigmoid_focal_loss(
        c.inputs[0], c.inputs[1],
        {.alpha = c.number("alpha"), .gamma = c.number("gamma"), .reduction = c.reduction()})};
  };
}

void add_margins(Runners& all) {
  all["hinge_embedding_loss"] = [](Case& c) -> Results {
    return {hinge_embedding_loss(c.inputs[0], c.inputs[1],
                                 {.margin = c.number("margin"), .reduction = c.reduction()})};
  };
  all["margin_ranking_loss"] = [](Case& c) -> Results {
    return {margin_ranking_loss(c.inputs[0], c.inputs[1], c.inputs[2],
                                {.margin = c.number("margin"), .reduction = c.reduction()})};
  };
  all["cosine_embedding_loss"] = [](Case& c) -> Results {
    return {cosine_embedding_loss(c.inputs[0], c.inputs[1], c.inputs[2],
                                  {.margin = c.number("margin"), .reduction = c.reduction()})};
  };
  all["soft_margin_loss"] = [](Case& c) -> Results {
    return {soft_margin_loss(c.inputs[0], c.inputs[1], c.reduction())};
  };
  all["triplet_margin_loss"] = [](Case& c) -> Results {
    return {triplet_margin_loss(c.inputs[0], c.inputs[1], c.inputs[2],
                                {.margin = c.number("margin"),
                                 .p = c.number("p"),
                                 .eps = c.number("eps"),
                                 .swap = c.flag("swap"),
                                 .reduction = c.reduction()})};
  };
  all["multi_margin_loss"] = [](Case& c) -> Results {
    return {multi_margin_loss(c.inputs[0], c.inputs[1],
                              {.p = static_cast<int>(c.integer("p")),
                               .margin = c.number("margin"),
                               .weight = optional_input(c, "weight", 2),
                               .reduction = c.reduction()})};
  };
  all["multilabel_margin_loss"] = [](Case& c) -> Results {
    return {multilabel_margin_loss(c.inputs[0], c.inputs[1], c.reduction())};
  };
  all["multilabel_soft_margin_loss"] = [](Case& c) -> Results {
    return {multilabel_soft_margin_loss(
        c.inputs[0], c.inputs[1],
        {.weight = optional_input(c, "weight", 2), .reduction = c.reduction()})};
  };
}

void add_embedding_losses(Runners& all) {
  all["info_nce_loss"] = [](Case& c) -> Results {
    return {info_nce_loss(c.inputs[0], c.inputs[1], c.inputs.size() == 3 ? c.inputs[2] : Tensor(),
                          {.temperature = c.number("temperature"),
                           .similarity = c.flag("cosine") ? Similarity::cosine : Similarity::dot,
                           .symmetric = c.flag("symmetric"),
                           .reduction = c.reduction()})};
  };
  all["matryoshka_loss"] = [](Case& c) -> Results {
    std::vector<double> weights;
    if (c.has("weights")) {
      std::istringstream items(c.word("weights"));
      for (std::string item; std::getline(items, item, ',');) weights.push_back(std::stod(item));
    }
    return {matryoshka_loss(
        c.inputs, c.integers("sizes"),
        [](const std::vector<Tensor>& cut) { return info_nce_loss(cut[0], cut[1]); }, weights)};
  };
}

}  // namespace

void add_losses(Runners& all) {
  add_classes(all);
  add_pairs(all);
  add_answers(all);
  add_margins(all);
  add_embedding_losses(all);
}

}  // namespace gradus::golden
