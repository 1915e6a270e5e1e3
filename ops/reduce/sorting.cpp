// Order: sorting, medians, the largest k. The kernels find positions; the values are then picked, so one rule is
// enough.
#include "ops/reduce/sorting.h"

#include <fmt/format.h>

#include "engine/factory.h"
#include "engine/types/error.h"
#include "ops/arguments.h"
#include "ops/families.h"
#include "ops/kernels/reduce/sort.h"
#include "ops/ops.h"
#include "ops/reduce/axes.h"
#include "ops/reduce/chosen.h"
#include "ops/rules.h"

namespace chainrule {
namespace {

/// Memory for a kernel, from the buffers that are kept.
class Scratch {
 public:
  Scratch(DType d, const kernels::Lines& l) : scratch_(kernels::sort_scratch(d, l)) {
    constexpr std::size_t word = sizeof(std::int64_t);
    const std::size_t words = (static_cast<std::size_t>(scratch_.lanes) * scratch_.bytes + word - 1) / word;
    memory_ = empty({static_cast<std::int64_t>(words)}, DType::int64);
    scratch_.memory = memory_.impl().data;
  }
  const kernels::SortScratch& get() const { return scratch_; }

 private:
  kernels::SortScratch scratch_;
  Tensor memory_;
};

Shape with_size(Shape shape, int dim, std::int64_t size) {
  shape[dim] = size;
  return shape;
}

/// The first k positions in order along an axis of a tensor that has axes.
Tensor places(const Tensor& x, int dim, std::int64_t k, bool largest_first) {
  const Tensor from = dense(x);
  Tensor z = empty(with_size(x.shape(), dim, k), DType::int64);
  if (z.numel() == 0) return z;
  const kernels::Lines l = lines(from, dim);
  kernels::argtopk(x.dtype(), from.data(), l, k, largest_first, static_cast<std::int64_t*>(z.impl().data),
                   Scratch(x.dtype(), l).get());
  return z;
}

Tensor middles(const Tensor& x, int dim) {
  const Tensor from = dense(x);
  Tensor z = empty(with_size(x.shape(), dim, 1), DType::int64);
  if (z.numel() == 0) return z;
  const kernels::Lines l = lines(from, dim);
  kernels::argmedian(x.dtype(), from.data(), l, static_cast<std::int64_t*>(z.impl().data), Scratch(x.dtype(), l).get());
  return z;
}

struct Sorted {
  static constexpr OpInfo info{.name = "sort",
                               .formula = "z = x[i], i = argsort(x)",
                               .derivatives = {"1 (same element)"},
                               .kinks = "equal elements keep their order",
                               .inputs = "x i",
                               .flops = "0"};
};

struct Topmost {
  static constexpr OpInfo info{.name = "topk",
                               .formula = "z = x[i], i = argtopk(x, k)",
                               .derivatives = {"1 at i, else 0"},
                               .kinks = "the first of equal elements",
                               .inputs = "x i",
                               .flops = "0"};
};

struct MedianAlong {
  static constexpr OpInfo info{.name = "median_along",
                               .formula = "z = x[i], i where the median stands",
                               .derivatives = {"1 at i, else 0"},
                               .kinks = "one of the elements that are equal to the median",
                               .inputs = "x i",
                               .flops = "0"};
};

struct Median {
  static constexpr OpInfo info{.name = "median",
                               .formula = "z = the lower of the two middle x",
                               .derivatives = {"1 where x = z, else 0"},
                               .kinks = "1 / n at each of n elements that are equal to the median",
                               .latex = "z = x_{(\\lceil n / 2 \\rceil)}",
                               .flops = "0"};
  static Tensor choose(const Tensor& x, const Over&) {
    const Tensor flat = reshape(x, {-1});
    return reshape(picked_values(flat, middles(flat, 0), 0), {});
  }
};

/// An axis of x, and x with that axis: a scalar has one number in it.
struct Line {
  Tensor x;
  int dim;
};
Line line(const Operand& x, std::int64_t dim, const char* who) {
  const Tensor a = tensor_argument(x, who);
  const int axis = normal_axis(dim, a.dim(), who);
  return {a.dim() == 0 ? reshape(a, {1}) : a, axis};
}

/// The result for a scalar is a scalar, unless none was asked for.
Tensor like(const Operand& x, const Tensor& z) {
  const bool scalar = x.is_number() || x.tensor().dim() == 0;
  return scalar && z.numel() == 1 ? reshape(z, {}) : z;
}

void expect_k(std::int64_t k, const Line& l, const char* who) {
  const std::int64_t n = l.x.shape()[l.dim];
  if (k < 0 || k > n)
    throw ValueError(fmt::format("{}: k is {}, axis {} of shape {} has {} numbers to choose from", who, k, l.dim,
                                 to_string(l.x.shape()), n));
}

template <class Kind>
Tensor chosen(const Line& l, const Tensor& i, bool keepdim, const char* note, std::int64_t k = -1) {
  return record(Chosen<Kind>{l.dim, keepdim, note, k}, l.x, i);
}

void expect_order(const Tensor& x) {
  if (x.dtype() == DType::boolean) throw ValueError("median: not defined for bool");
}

}  // namespace

Tensor argsort(const Operand& x, std::int64_t dim, bool descending, bool) {
  const Line l = line(x, dim, "argsort");
  return like(x, places(l.x.detach(), l.dim, l.x.shape()[l.dim], descending));
}

Tensor sort(const Operand& x, std::int64_t dim, bool descending, bool) {
  const CalledFrom caller(x.where());
  const Line l = line(x, dim, "sort");
  const Tensor i = places(l.x, l.dim, l.x.shape()[l.dim], descending);
  return like(x, chosen<Sorted>(l, i, true, descending ? "descending=true" : ""));
}

Tensor argtopk(const Operand& x, std::int64_t k, std::int64_t dim, bool largest, bool) {
  const Line l = line(x, dim, "argtopk");
  expect_k(k, l, "argtopk");
  return like(x, places(l.x.detach(), l.dim, k, largest));
}

Tensor topk(const Operand& x, std::int64_t k, std::int64_t dim, bool largest, bool) {
  const CalledFrom caller(x.where());
  const Line l = line(x, dim, "topk");
  expect_k(k, l, "topk");
  return like(x, chosen<Topmost>(l, places(l.x, l.dim, k, largest), true, largest ? "" : "largest=false", k));
}

Tensor median(const Operand& x) {
  const CalledFrom caller(x.where());
  const Tensor a = tensor_argument(x, "median");
  expect_order(a);
  if (a.numel() == 0 && is_floating(a.dtype())) return mean(x);  // NaN
  const Over o = over(a, {}, false, "median");
  expect_elements(a, o, "median", "median");
  return record(Shared<Median>{o}, a);
}

Tensor median(const Operand& x, std::int64_t dim, bool keepdim) {
  const CalledFrom caller(x.where());
  const Line l = line(x, dim, "median");
  expect_order(l.x);
  expect_elements(l.x, Over{1u << l.dim}, "median", "median");
  return like(x, chosen<MedianAlong>(l, middles(l.x, l.dim), keepdim, keepdim ? "keepdim=true" : ""));
}

Family sorting_family() {
  static constexpr const OpInfo* ops[] = {&Sorted::info, &Topmost::info, &Median::info, &MedianAlong::info};
  static const Function functions[] = {
      {"sort", "input, dim=-1, descending=False, stable=False",
       [](const Arguments& a) -> Value { return sort(a.operand(0), a.integer(1), a.flag(2), a.flag(3)); }, "sort(x)",
       "x=[3,1,2]"},
      {"argsort", "input, dim=-1, descending=False, stable=False",
       [](const Arguments& a) -> Value { return argsort(a.operand(0), a.integer(1), a.flag(2), a.flag(3)); },
       "argsort(x)", "x=[3,1,2]", "no derivative: positions"},
      {"topk", "input, k, dim=-1, largest=True, sorted=True",
       [](const Arguments& a) -> Value {
         return topk(a.operand(0), a.integer(1), a.is_none(2) ? -1 : a.integer(2), a.flag(3), a.flag(4));
       },
       "topk(x, 2)", "x=[3,1,2,5]"},
      {"argtopk", "input, k, dim=-1, largest=True, sorted=True",
       [](const Arguments& a) -> Value {
         return argtopk(a.operand(0), a.integer(1), a.is_none(2) ? -1 : a.integer(2), a.flag(3), a.flag(4));
       },
       "argtopk(x, 2)", "x=[3,1,2,5]", "no derivative: positions"},
      {"median", "input, dim=None, keepdim=False",
       [](const Arguments& a) -> Value {
         return a.is_none(1) ? median(a.operand(0)) : median(a.operand(0), a.integer(1), a.flag(2));
       },
       "median(x)", "x=[3,1,2,5]"},
  };
  return {ops, functions};
}

}  // namespace chainrule
