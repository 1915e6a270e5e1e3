// Dropout, embedding and attention. Attention is made of products and softmax; the other two are operations.
#include "ops/network/attention.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

#include "engine/factory.h"
#include "engine/types/error.h"
#include "ops/arguments.h"
#include "ops/families.h"
#include "ops/kernels/index.h"
#include "ops/kernels/parallel.h"
#include "ops/ops.h"
#include "ops/rules.h"

namespace chainrule {
namespace {

// z = x * y, y = 0 with probability p, else 1 / (1 - p)      dx = g * y
struct Dropout {
  static constexpr OpInfo info{.name = "dropout",
                               .formula = "z = x * y, y = 0 with probability p, else 1 / (1 - p)",
                               .derivatives = {"y"},
                               .latex =
                                   "z = x \\cdot y, \\quad y = \\begin{cases} 0 & \\text{with probability } p \\\\ "
                                   "\\frac{1}{1 - p} & \\text{otherwise} \\end{cases}"};
  double p;
  std::string attributes() const { return fmt::format("p={}", p); }
  Tensor forward(const Tensor& x, const Tensor& y) const { return zip(x, y, Binary::mul, "dropout"); }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return g * c.input(1); });
  }
};

/// 0 with probability p, else `scale`. One number is drawn from the default generator; it is the key of a stream of its
/// own in which each element has its place, so that threads and memory layouts do not matter.
Tensor dropout_mask(const Shape& shape, DType dtype, double p, double scale) {
  const std::uint64_t key = default_generator().next_u64();
  const std::array<std::uint32_t, 2> halves{static_cast<std::uint32_t>(key), static_cast<std::uint32_t>(key >> 32)};
  const double limit = p * 4294967296.0;
  Tensor mask = empty(shape, dtype);
  const std::int64_t n = mask.numel();
  dispatch_floating(dtype, [&](auto zero) {
    using T = decltype(zero);
    T* const z = static_cast<T*>(mask.impl().data);
    const T kept = static_cast<T>(scale);
    kernels::parallel_for((n + 3) / 4, 1 << 10, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t block = begin; block < end; ++block) {
        const auto b = static_cast<std::uint64_t>(block);
        const auto bits = philox({static_cast<std::uint32_t>(b), static_cast<std::uint32_t>(b >> 32), 0, 0}, halves);
        for (std::int64_t i = 4 * block; i < std::min(4 * block + 4, n); ++i)
          z[i] = static_cast<double>(bits[static_cast<std::size_t>(i & 3)]) < limit ? T(0) : kept;
      }
    });
  });
  return mask;
}

Tensor embedding_grad(const Tensor& g, const Tensor& index, std::int64_t rows, std::int64_t padding);

// z[.., j] = w[i[..], j]      dw = embedding_grad(g, i)
struct Embedding {
  static constexpr OpInfo info{.name = "embedding",
                               .formula = "z[..., j] = w[i[...], j]",
                               .derivatives = {"1 (picked rows; 0 for padding_idx)"},
                               .kinks = "no gradient by the row padding_idx",
                               .inputs = "w i",
                               .flops = "0"};
  static constexpr Uses uses[] = {kY, kNothing};
  std::int64_t padding;  // -1: none
  std::string attributes() const { return padding < 0 ? "" : fmt::format("padding_idx={}", padding); }
  Tensor forward(const Tensor& w, const Tensor& i) const {
    const Tensor from = dense(w), index = dense(i);
    Shape shape = i.shape();
    shape.push_back(w.shape()[1]);
    Tensor z = empty(shape, w.dtype());
    kernels::index_select(w.dtype(), from.data(), {1, w.shape()[0], w.shape()[1]}, index.data<std::int64_t>(),
                          i.numel(), z.impl().data);
    return z;
  }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return embedding_grad(g, c.input(1), c.shape(0)[0], padding); });
  }
};

// z = 0, then z[i[..], j] += g[.., j] where i is not padding_idx      dg = embedding(h, i), 0 where i is padding_idx
struct EmbeddingGrad {
  static constexpr OpInfo info{.name = "embedding_grad",
                               .formula = "z = 0; z[i[...], j] += g[..., j]",
                               .derivatives = {"1 (same row; 0 for padding_idx)"},
                               .inputs = "g i"};
  static constexpr Uses uses[] = {kY, kNothing};
  std::int64_t rows, padding;
  std::string attributes() const { return fmt::format("rows={}", rows); }
  Tensor forward(const Tensor& g, const Tensor& i) const {
    const Tensor from = dense(g), index = dense(i);
    const std::int64_t width = g.shape().back();
    Tensor z = empty({rows, width}, g.dtype());
    kernels::index_add(g.dtype(), from.data(), {1, rows, width}, index.data<std::int64_t>(), i.numel(), z.impl().data);
    const std::int64_t zero = 0;  // the bits of 0 in every type
    if (padding >= 0 && width > 0)
      kernels::fill(
          g.dtype(), &zero,
          static_cast<std::byte*>(z.impl().data) + static_cast<std::size_t>(padding * width) * item_size(g.dtype()),
          width);
    return z;
  }
  void backward(GradContext& c, const Tensor& h) const {
    const Tensor i = c.input(1);
    c.send(0, [&] {
      Tensor z = record(Embedding{-1}, h, i);
      if (padding < 0) return z;
      Shape beside = i.shape();
      beside.push_back(1);
      return where(reshape(eq(i, padding), beside), 0, z);
    });
  }
};

Tensor embedding_grad(const Tensor& g, const Tensor& index, std::int64_t rows, std::int64_t padding) {
  return record(EmbeddingGrad{rows, padding}, g, index);
}

/// True where position i may see j: j <= i.
Tensor causal_mask(std::int64_t queries, std::int64_t keys) {
  const Tensor i = reshape(arange(0, static_cast<double>(queries), 1, {.dtype = DType::int64}), {queries, 1});
  return ge(i, arange(0, static_cast<double>(keys), 1, {.dtype = DType::int64}));
}

}  // namespace

Tensor dropout(const Operand& x, double p, bool training) {
  const CalledFrom caller(x.where());
  if (!(p >= 0 && p <= 1)) throw ValueError(fmt::format("dropout: p is {}, it must be from 0 to 1", p));
  Tensor given = tensor_argument(x, "dropout");
  if (!training) return given;
  const Tensor a = as_floating(given);
  return record(Dropout{p}, a, dropout_mask(a.shape(), a.dtype(), p, p < 1 ? 1 / (1 - p) : 0));
}

Tensor embedding(const Tensor& input, const Operand& weight, std::optional<std::int64_t> padding_idx) {
  const CalledFrom caller(weight.where());
  const Tensor w = tensor_argument(weight, "embedding", "weight");
  if (!input.defined()) throw_empty_argument("embedding", "input");
  if (input.dtype() != DType::int64)
    throw ValueError(fmt::format("embedding: the input holds {}, it must hold int64 indices", name_of(input.dtype())));
  if (w.dim() != 2)
    throw ShapeError(fmt::format("embedding: the weight has shape {}, it must be (rows, size)", to_string(w.shape())));
  const std::int64_t rows = w.shape()[0];
  std::int64_t padding = -1;
  if (padding_idx) {
    padding = *padding_idx < 0 ? *padding_idx + rows : *padding_idx;
    if (padding < 0 || padding >= rows)
      throw ValueError(fmt::format("embedding: padding_idx is {}, the weight has {} rows", *padding_idx, rows));
  }
  const Tensor index = dense(input);
  const std::int64_t bad = kernels::first_outside(index.data<std::int64_t>(), index.numel(), rows);
  if (bad >= 0)
    throw ValueError(fmt::format("embedding: the index at position {} of shape {} is {}, the weight has {} rows", bad,
                                 to_string(input.shape()), index.data<std::int64_t>()[bad], rows));
  return record(Embedding{padding}, w, input);
}

Tensor internal::attention_weights(const Tensor& q, const Tensor& k, const AttentionOptions& o) {
  if (o.attn_mask.defined() && o.is_causal)
    throw ValueError("scaled_dot_product_attention: give attn_mask or is_causal, not both");
  const double scale = 1 / std::sqrt(static_cast<double>(q.size(-1)));
  Tensor scores = matmul(mul(q, scale), transpose(k));
  constexpr double kNever = -kInf;
  if (o.is_causal) scores = where(causal_mask(q.size(-2), k.size(-2)), scores, kNever);
  if (o.attn_mask.defined()) {
    if (o.attn_mask.dtype() == DType::boolean)
      scores = where(o.attn_mask, scores, kNever);
    else
      scores = scores + o.attn_mask;
  }
  Tensor weights;
  // A query that may see no key has only scores of -inf, whose softmax is NaN: its weights are 0, and so are gradients.
  const Tensor blind = o.attn_mask.defined() ? all(eq(scores, kNever), {-1}, true) : Tensor();
  if (blind.defined() && any(blind).item() != 0)
    weights = where(blind, 0, softmax(where(blind, 0, scores), -1));
  else
    weights = softmax(scores, -1);
  return o.dropout_p != 0 ? dropout(weights, o.dropout_p) : weights;
}

Tensor scaled_dot_product_attention(const Operand& query, const Operand& key, const Operand& value,
                                    const AttentionOptions& o) {
  const CalledFrom caller(query.where());
  const char* const who = "scaled_dot_product_attention";
  const Tensor q = as_floating(tensor_argument(query, who, "query")), k = as_floating(tensor_argument(key, who, "key")),
               v = as_floating(tensor_argument(value, who, "value"));
  if (q.dim() < 2 || k.dim() < 2 || v.dim() < 2 || q.size(-1) != k.size(-1) || k.size(-2) != v.size(-2))
    throw ShapeError(fmt::format("{}: query {}, key {} and value {} must be (..., L, E), (..., S, E) and (..., S, D)",
                                 who, to_string(q.shape()), to_string(k.shape()), to_string(v.shape())));
  return matmul(internal::attention_weights(q, k, o), v);
}

Family attention_family() {
  static constexpr const OpInfo* ops[] = {&Dropout::info, &Embedding::info, &EmbeddingGrad::info};
  static const Function functions[] = {
      {"dropout", "input, p=0.5, training=True",
       [](const Arguments& a) -> Value { return dropout(a.operand(0), a.number(1), a.flag(2)); }, "dropout(x, p=0.0)",
       "x=[1,2,3]"},
      {"embedding", "input, weight, padding_idx=None",
       [](const Arguments& a) -> Value { return embedding(a.indices(0), a.operand(1), a.optional_integer(2)); },
       "embedding([[0, 2], [2, 1]], w)", "w=[[1,2],[3,4],[5,6]]"},
      {"scaled_dot_product_attention", "query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False",
       [](const Arguments& a) -> Value {
         return scaled_dot_product_attention(
             a.operand(0), a.operand(1), a.operand(2),
             {.attn_mask = a.optional_tensor(3), .dropout_p = a.number(4), .is_causal = a.flag(5)});
       },
       "scaled_dot_product_attention(q, k, v)", "q=[[1,0],[0,2]] k=[[1,1],[0,-1],[2,0]] v=[[1,2],[3,4],[5,7]]",
       "softmax(query @ key.T / sqrt(E) + attn_mask) @ value"},
  };
  return {ops, functions};
}

}  // namespace chainrule
