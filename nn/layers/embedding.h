// Embedding: rows of a trainable table, for words and other things that have a number.
#pragma once

#include <optional>

#include "nn/child.h"

namespace chainrule {

struct EmbeddingOptions {
  /// The row that starts from 0 and gets no gradient; negative numbers count from the end.
  std::optional<std::int64_t> padding_idx{};
};

/// Row i of the weight for each index i: int64 indices of any shape (...) to (..., embedding_dim). Starts from a normal
/// distribution of deviation 1, as in torch. Refuses other types than int64 and indices out of range with ValueError.
class Embedding : public Module {
 public:
  using Options = EmbeddingOptions;
  Embedding(std::int64_t num_embeddings, std::int64_t embedding_dim, Options options = {});
  std::string arguments() const override;

  Parameter weight;  ///< (num_embeddings, embedding_dim)

 protected:
  Tensor forward(const Tensor& x) override;

 private:
  std::optional<std::int64_t> padding_idx_;
};

}  // namespace chainrule
