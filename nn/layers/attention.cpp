#include "nn/layers/attention.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "nn/layers/checks.h"
#include "ops/ops.h"

namespace chainrule {
namespace {

constexpr const char* kAttention = "MultiheadAttention";
constexpr const char* kEncoder = "TransformerEncoderLayer";

std::int64_t divided(std::int64_t size, std::int64_t heads, const char* layer, const char* size_name,
                     const char* heads_name) {
  positive(size, layer, size_name);
  positive(heads, layer, heads_name);
  if (size % heads)
    throw ValueError(fmt::format("{}: {} {} must divide {} {}", layer, heads_name, heads, size_name, size));
  return size;
}

/// A mask as numbers that are added to scores: -inf where a boolean one is true.
Tensor added(const Tensor& mask, const Tensor& like, const char* name) {
  if (mask.dtype() == DType::boolean)
    return where(mask, -std::numeric_limits<double>::infinity(), zeros(mask.shape(), like.dtype()));
  if (!is_floating(mask.dtype()))
    throw ValueError(
        fmt::format("{}: {} is boolean or floating, not {}", kAttention, name, chainrule::name_of(mask.dtype())));
  return mask;
}

Tensor rows_of(const Tensor& x, std::int64_t part, std::int64_t size) {
  return slice(x, 0, part * size, (part + 1) * size);
}

}  // namespace

MultiheadAttention::MultiheadAttention(std::int64_t embed_dim, std::int64_t num_heads, const Options& options)
    : embed_dim_(divided(embed_dim, num_heads, kAttention, "embed_dim", "num_heads")),
      num_heads_(num_heads),
      kdim_(positive(options.kdim.value_or(embed_dim), kAttention, "kdim")),
      vdim_(positive(options.vdim.value_or(embed_dim), kAttention, "vdim")),
      dropout_(between(options.dropout, 0, 1, kAttention, "dropout")),
      batch_first_(options.batch_first) {
  if (kdim_ == embed_dim && vdim_ == embed_dim) {
    in_proj_weight.emplace(*this, "in_proj_weight", xavier_uniform({3 * embed_dim, embed_dim}));
  } else {
    q_proj_weight.emplace(*this, "q_proj_weight", xavier_uniform({embed_dim, embed_dim}));
    k_proj_weight.emplace(*this, "k_proj_weight", xavier_uniform({embed_dim, kdim_}));
    v_proj_weight.emplace(*this, "v_proj_weight", xavier_uniform({embed_dim, vdim_}));
  }
  if (options.bias) in_proj_bias.emplace(*this, "in_proj_bias", zeros({3 * embed_dim}));
  const double bound = 1 / std::sqrt(static_cast<double>(embed_dim));
  out_proj =
      add_child("out_proj", make<Linear>(embed_dim, embed_dim, Linear::Options{options.bias, uniform(-bound, bound)}));
}

MultiheadAttention::Projected MultiheadAttention::project(const Tensor& query, const Tensor& key,
                                                          const Tensor& value) const {
  const Tensor none;
  if (in_proj_weight && query.is(key) && key.is(value)) {  // one product for all three
    const auto parts = chunk(linear(query, *in_proj_weight, or_none(in_proj_bias)), 3, -1);
    return {parts[0], parts[1], parts[2]};
  }
  const auto part = [&](const Tensor& x, std::int64_t i, const std::optional<Parameter>& own) {
    return linear(x, own ? Tensor(*own) : rows_of(*in_proj_weight, i, embed_dim_),
                  in_proj_bias ? rows_of(*in_proj_bias, i, embed_dim_) : none);
  };
  return {part(query, 0, q_proj_weight), part(key, 1, k_proj_weight), part(value, 2, v_proj_weight)};
}

Tensor MultiheadAttention::heads(const Tensor& x) const {
  return permute(reshape(x, {x.size(0), x.size(1), num_heads_, embed_dim_ / num_heads_}), {1, 2, 0, 3});
}

Tensor MultiheadAttention::mask_of(const AttentionCall& call, std::int64_t n, std::int64_t l, std::int64_t s,
                                   bool is_batch) const {
  const auto expect = [&](const Tensor& mask, const char* name, const Shape& first, const Shape& second) {
    if (mask.shape() == first || mask.shape() == second) return;
    throw ShapeError(fmt::format("{}: {} is {}{} for this call, not of shape {}", kAttention, name, to_string(first),
                                 first == second ? "" : " or " + to_string(second), to_string(mask.shape())));
  };
  Tensor mask;
  if (call.attn_mask.defined()) {
    expect(call.attn_mask, "attn_mask", {l, s}, {n * num_heads_, l, s});
    mask = added(call.attn_mask, out_proj->weight, "attn_mask");
    if (mask.dim() == 3) mask = reshape(mask, {n, num_heads_, l, s});
  }
  if (call.key_padding_mask.defined()) {
    const Shape shape = is_batch ? Shape{n, s} : Shape{s};
    expect(call.key_padding_mask, "key_padding_mask", shape, shape);
    const Tensor padding = reshape(added(call.key_padding_mask, out_proj->weight, "key_padding_mask"), {n, 1, 1, s});
    mask = mask.defined() ? mask + padding : padding;
  }
  return mask;
}

MultiheadAttention::Result MultiheadAttention::forward(const Tensor& query, const Tensor& key, const Tensor& value,
                                                       const AttentionCall& call) {
  const CalledFrom caller(called_from());
  for (const auto& [x, name] : {std::pair{&query, "query"}, std::pair{&key, "key"}, std::pair{&value, "value"}})
    expect_value(*x, kAttention, name);
  const bool is_batch = query.dim() == 3;
  const auto fits = [&](const Tensor& x, std::int64_t features) {
    return x.dim() == query.dim() && x.size(-1) == features;
  };
  if ((!is_batch && query.dim() != 2) || !fits(query, embed_dim_) || !fits(key, kdim_) || !fits(value, vdim_))
    throw ShapeError(
        fmt::format("{}: query {}, key {} and value {} have {}, {} and {} features on their last axis and "
                    "two axes, or three with a batch",
                    kAttention, to_string(query.shape()), to_string(key.shape()), to_string(value.shape()), embed_dim_,
                    kdim_, vdim_));
  for (const Tensor* x : {&query, &key, &value}) expect_type_of(*x, out_proj->weight, kAttention);
  const auto laid = [&](const Tensor& x) {
    return !is_batch ? unsqueeze(x, 1) : batch_first_ ? transpose(x, 0, 1) : x;
  };
  const bool is_self = query.is(key) && key.is(value);
  const Tensor q0 = laid(query), k0 = is_self ? q0 : laid(key), v0 = is_self ? q0 : laid(value);  // (L, N, ...)
  const std::int64_t l = q0.size(0), n = q0.size(1), s = k0.size(0);
  if (k0.size(1) != n || v0.size(1) != n || v0.size(0) != s)
    throw ShapeError(fmt::format("{}: query {}, key {} and value {} differ in their batch, or key and value in length",
                                 kAttention, to_string(query.shape()), to_string(key.shape()),
                                 to_string(value.shape())));
  if (l == 0 || s == 0)
    throw ShapeError(fmt::format("{}: query {} and key {} have at least one step", kAttention, to_string(query.shape()),
                                 to_string(key.shape())));

  const auto [q, k, v] = project(q0, k0, v0);
  const Tensor weights = internal::attention_weights(
      heads(q), heads(k),
      {.attn_mask = mask_of(call, n, l, s, is_batch), .dropout_p = is_training() ? dropout_ : 0});  // (N, heads, L, S)
  const Tensor joined = reshape(permute(matmul(weights, heads(v)), {2, 0, 1, 3}), {l, n, embed_dim_});
  const Tensor y = (*out_proj)(joined);
  Result result{!is_batch ? squeeze(y, {1}) : batch_first_ ? transpose(y, 0, 1) : y, {}};
  if (!call.need_weights) return result;
  result.weights = call.average_attn_weights ? mean(weights, {1}) : weights;
  if (!is_batch) result.weights = squeeze(result.weights, {0});
  return result;
}

std::string MultiheadAttention::arguments() const {
  std::string text = fmt::format("{}, {}", embed_dim_, num_heads_);
  if (dropout_ != 0) text += fmt::format(", dropout={}", dropout_);
  if (!in_proj_bias) text += ", bias=False";
  if (kdim_ != embed_dim_) text += fmt::format(", kdim={}", kdim_);
  if (vdim_ != embed_dim_) text += fmt::format(", vdim={}", vdim_);
  if (batch_first_) text += ", batch_first=True";
  return text;
}

// --- Transformer -----------------------------------------------------------------------------------------------------

TransformerEncoderLayer::TransformerEncoderLayer(std::int64_t d_model, std::int64_t nhead, const Options& options)
    : nhead_(nhead), options_(options) {
  divided(d_model, nhead, kEncoder, "d_model", "nhead");
  positive(options.dim_feedforward, kEncoder, "dim_feedforward");
  between(options.dropout, 0, 1, kEncoder, "dropout");
  not_negative(options.layer_norm_eps, kEncoder, "layer_norm_eps");
  self_attn = add_child("self_attn", make<MultiheadAttention>(d_model, nhead,
                                                              MultiheadAttentionOptions{
                                                                  .dropout = options.dropout,
                                                                  .batch_first = options.batch_first,
                                                              }));
  linear1 = add_child("linear1", make<Linear>(d_model, options.dim_feedforward));
  dropout = add_child("dropout", make<Dropout>(options.dropout));
  linear2 = add_child("linear2", make<Linear>(options.dim_feedforward, d_model));
  norm1 = add_child("norm1", make<LayerNorm>(Shape{d_model}, LayerNorm::Options{.eps = options.layer_norm_eps}));
  norm2 = add_child("norm2", make<LayerNorm>(Shape{d_model}, LayerNorm::Options{.eps = options.layer_norm_eps}));
  dropout1 = add_child("dropout1", make<Dropout>(options.dropout));
  dropout2 = add_child("dropout2", make<Dropout>(options.dropout));
}

Tensor TransformerEncoderLayer::forward(const Tensor& src, const EncoderMasks& masks) {
  const CalledFrom caller(called_from());
  expect_value(src, kEncoder, "src");
  const std::int64_t features = norm1->weight->size(0);
  if ((src.dim() != 2 && src.dim() != 3) || src.size(-1) != features)
    throw ShapeError(fmt::format("{}: src is ({}, {}) or (L, {}), not of shape {}", kEncoder,
                                 options_.batch_first ? "N, L" : "L, N", features, features, to_string(src.shape())));
  const auto attention = [&](const Tensor& x) {
    const AttentionCall call{
        .key_padding_mask = masks.src_key_padding_mask, .need_weights = false, .attn_mask = masks.src_mask};
    return (*dropout1)((*self_attn)(x, x, x, call).output);
  };
  const auto feed_forward = [&](const Tensor& x) {
    const Tensor a = (*linear1)(x);
    return (*dropout2)((*linear2)((*dropout)(options_.activation == TransformerActivation::relu ? relu(a) : gelu(a))));
  };
  if (options_.norm_first) {
    const Tensor y = src + attention((*norm1)(src));
    return y + feed_forward((*norm2)(y));
  }
  const Tensor y = (*norm1)(src + attention(src));
  return (*norm2)(y + feed_forward(y));
}

std::string TransformerEncoderLayer::arguments() const {
  const Options& o = options_;
  std::string text = fmt::format("{}, {}", norm1->weight->size(0), nhead_);
  if (o.dim_feedforward != 2048) text += fmt::format(", dim_feedforward={}", o.dim_feedforward);
  if (o.dropout != 0.1) text += fmt::format(", dropout={}", o.dropout);
  if (o.activation == TransformerActivation::gelu) text += ", activation='gelu'";
  if (o.layer_norm_eps != 1e-5) text += fmt::format(", layer_norm_eps={}", o.layer_norm_eps);
  if (o.batch_first) text += ", batch_first=True";
  if (o.norm_first) text += ", norm_first=True";
  return text;
}

}  // namespace chainrule
