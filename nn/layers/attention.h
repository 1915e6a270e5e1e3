// Attention with several heads, and the layer that a Transformer repeats. Parameters, names, defaults and masks are
// torch.nn's.
//
//   MultiheadAttention attention(64, 4, {.batch_first = true});
//   const auto [y, weights] = attention(q, k, v, {.key_padding_mask = is_padding});
//   const Tensor z = TransformerEncoderLayer(64, 4, {.batch_first = true})(x, {.src_mask = causal});
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "nn/layers/dropout.h"
#include "nn/layers/linear.h"
#include "nn/layers/norm.h"

namespace chainrule {

struct MultiheadAttentionOptions {
  double dropout = 0;  ///< on the weights, while training
  bool bias = true;
  std::optional<std::int64_t> kdim{}, vdim{};  ///< features of key and value; default: embed_dim
  bool batch_first = false;                    ///< (N, L, E) instead of (L, N, E)
};

/// Masks of one call. As in torch a boolean mask is true where nothing is read, which is the opposite of
/// scaled_dot_product_attention; a floating one is added to the scores.
struct AttentionCall {
  Tensor key_padding_mask{};  ///< (N, S), or (S) for one sequence: keys that are only padding
  bool need_weights = true;
  Tensor attn_mask{};  ///< (L, S), or (N num_heads, L, S)
  bool average_attn_weights = true;
};

/// softmax(Q K^T / sqrt(embed_dim / num_heads) + mask) V for each head, where Q, K, V are rows of in_proj_weight times
/// query (L, N, E), key (S, N, kdim) and value (S, N, vdim), or all without N; out_proj joins the heads. A query that
/// may read no key has weights 0, where torch gives NaN. Vaswani et al., "Attention is all you need", NeurIPS 2017.
/// Weights start from xavier_uniform, biases from 0, out_proj.weight uniform within 1 / sqrt(embed_dim).
///
/// As a step of a Sequential it gives the output of attention(x, x, x). Throws ValueError for sizes below 1, heads that
/// do not divide embed_dim, dropout outside [0, 1] and masks of other types, ShapeError for inputs and masks of other
/// shapes.
class MultiheadAttention : public ModuleOf<MultiheadAttention> {
 public:
  using Options = MultiheadAttentionOptions;
  struct Result {
    Tensor output;   ///< as query
    Tensor weights;  ///< (N, L, S), the mean of the heads, or (N, num_heads, L, S); empty unless need_weights
  };
  MultiheadAttention(std::int64_t embed_dim, std::int64_t num_heads, const Options& options = {});
  Result forward(const Tensor& query, const Tensor& key, const Tensor& value, const AttentionCall& call = {});
  using ModuleOf::operator();
  /// For masks in braces.
  Result operator()(const Tensor& query, const Tensor& key, const Tensor& value, const AttentionCall& call,
                    SourceLocation where = SourceLocation::current()) {
    return ModuleOf::operator()(query, key, value, call, where);
  }
  std::string arguments() const override;

  std::optional<Parameter> in_proj_weight;  ///< (3 embed_dim, embed_dim): Q, K, V; or, with kdim or vdim, these three:
  std::optional<Parameter> q_proj_weight, k_proj_weight, v_proj_weight;  ///< (embed_dim, embed_dim or kdim or vdim)
  std::optional<Parameter> in_proj_bias;                                 ///< (3 embed_dim)
  std::shared_ptr<Linear> out_proj;                                      ///< embed_dim to embed_dim

 protected:
  Tensor call_with(const Tensor& x, const SourceLocation& where) override {
    return (*this)(x, x, x, {.need_weights = false}, where).output;
  }

 private:
  struct Projected {
    Tensor q, k, v;  // (L or S, N, E)
  };
  Projected project(const Tensor& query, const Tensor& key, const Tensor& value) const;
  /// Per head: (L, N, E) to (N, num_heads, L, E / num_heads).
  Tensor heads(const Tensor& x) const;
  Tensor mask_of(const AttentionCall& call, std::int64_t n, std::int64_t l, std::int64_t s, bool is_batch) const;
  std::int64_t embed_dim_, num_heads_, kdim_, vdim_;
  double dropout_;
  bool batch_first_;
};

enum class TransformerActivation : std::uint8_t { relu, gelu };

struct TransformerEncoderLayerOptions {
  std::int64_t dim_feedforward = 2048;
  double dropout = 0.1;
  TransformerActivation activation = TransformerActivation::relu;
  double layer_norm_eps = 1e-5;
  bool batch_first = false;
  bool norm_first = false;  ///< normalises before attention and feed-forward, not after the sums
};

struct EncoderMasks {
  Tensor src_mask{};              ///< as attn_mask
  Tensor src_key_padding_mask{};  ///< as key_padding_mask
};

/// y = norm1(x + attention(x)), z = norm2(y + linear2(activation(linear1(y)))), with dropout on each part; norm_first:
/// y = x + attention(norm1(x)), z = y + linear2(activation(linear1(norm2(y)))). x (L, N, d_model) or (L, d_model).
/// Vaswani et al. 2017; norm first: Xiong et al., "On layer normalization in the Transformer architecture", ICML 2020.
class TransformerEncoderLayer : public ModuleOf<TransformerEncoderLayer> {
 public:
  using Options = TransformerEncoderLayerOptions;
  TransformerEncoderLayer(std::int64_t d_model, std::int64_t nhead, const Options& options = {});
  Tensor forward(const Tensor& src, const EncoderMasks& masks = {});
  using ModuleOf::operator();
  /// For masks in braces.
  Tensor operator()(const Tensor& src, const EncoderMasks& masks, SourceLocation where = SourceLocation::current()) {
    return ModuleOf::operator()(src, masks, where);
  }
  std::string arguments() const override;

  std::shared_ptr<MultiheadAttention> self_attn;
  std::shared_ptr<Linear> linear1;
  std::shared_ptr<Dropout> dropout;
  std::shared_ptr<Linear> linear2;
  std::shared_ptr<LayerNorm> norm1, norm2;
  std::shared_ptr<Dropout> dropout1, dropout2;

 private:
  std::int64_t nhead_;
  Options options_;
};

}  // namespace chainrule
