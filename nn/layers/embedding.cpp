#include "nn/layers/embedding.h"

#include <fmt/format.h>

#include "nn/init.h"
#include "nn/layers/checks.h"
#include "ops/ops.h"

namespace chainrule {
namespace {

Tensor table(std::int64_t rows, std::int64_t width, std::optional<std::int64_t> padding) {
  positive(rows, "Embedding", "num_embeddings");
  positive(width, "Embedding", "embedding_dim");
  if (padding)
    between(static_cast<double>(*padding), static_cast<double>(-rows), static_cast<double>(rows - 1), "Embedding",
            "padding_idx");
  Tensor weight = normal(0, 1)({rows, width});
  if (padding) slice(weight, 0, *padding, *padding == -1 ? std::nullopt : std::optional(*padding + 1)).fill_(0);
  return weight;
}

}  // namespace

Embedding::Embedding(std::int64_t num_embeddings, std::int64_t embedding_dim, Options options)
    : weight(*this, "weight", table(num_embeddings, embedding_dim, options.padding_idx)),
      padding_idx_(options.padding_idx) {}

Tensor Embedding::forward(const Tensor& x) {
  const CalledFrom caller(called_from());
  return embedding(x, weight, padding_idx_);
}

std::string Embedding::arguments() const {
  return fmt::format("{}, {}{}", weight.size(0), weight.size(1),
                     padding_idx_ ? fmt::format(", padding_idx={}", *padding_idx_) : "");
}

}  // namespace chainrule
