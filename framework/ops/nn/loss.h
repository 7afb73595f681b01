#pragma once
// All losses of scores, pairs and embeddings.
#include <gradus/framework/ops/nn/binary_cross_entropy.h>
#include <gradus/framework/ops/nn/contrastive.h>
#include <gradus/framework/ops/nn/cross_entropy.h>
#include <gradus/framework/ops/nn/linear_cross_entropy.h>
#include <gradus/framework/ops/nn/margin_loss.h>
#include <gradus/framework/ops/nn/reduction.h>
#include <gradus/framework/ops/nn/regression_loss.h>
