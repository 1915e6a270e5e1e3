// Leaves from numbers.
#include "engine/factory.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/operand.h"
#include "engine/types/error.h"

namespace chainrule {
namespace {

constinit thread_local DType default_type = DType::float32;

/// A conversion that loses a fraction or digits at most. Throws ValueError for what no int64 can hold.
template <class T, class V>
T converted(V value) {
  if constexpr (std::is_same_v<T, std::int64_t> && std::is_floating_point_v<V>)
    if (!(std::abs(value) < 0x1p63)) throw ValueError(fmt::format("{} is no number that int64 can hold", value));
  return static_cast<T>(value);
}

// Fills a fresh leaf with f(0), f(1), ... in row-major order.
template <class F>
Tensor make(const Shape& shape, const TensorOptions& options, F&& f) {
  const DType dtype = options.dtype_or_default();
  Tensor t = empty(shape, dtype);
  const std::int64_t n = t.numel();
  dispatch(dtype, [&](auto zero) {
    using T = decltype(zero);
    T* p = static_cast<T*>(t.impl().data);
    for (std::int64_t i = 0; i < n; ++i) p[i] = converted<T>(f(i));
  });
  t.impl().number = internal::next_number();
  if (options.requires_grad) t.set_requires_grad();
  return t;
}

}  // namespace

DType default_dtype() { return default_type; }

void set_default_dtype(DType dtype) {
  if (!is_floating(dtype))
    throw ValueError(fmt::format("set_default_dtype: {} is not a floating type", name_of(dtype)));
  default_type = dtype;
}

Tensor zeros(const Shape& shape, TensorOptions options) { return full(shape, 0, options); }
Tensor ones(const Shape& shape, TensorOptions options) { return full(shape, 1, options); }

Tensor full(const Shape& shape, double value, TensorOptions options) {
  return make(shape, options, [=](std::int64_t) { return value; });
}

Tensor eye(std::int64_t n, TensorOptions options) {
  return make({n, n}, options, [=](std::int64_t i) { return i / n == i % n ? 1.0 : 0.0; });
}

Tensor arange(double start, double end, double step, TensorOptions options) {
  if (step == 0 || !std::isfinite(step) || !std::isfinite(start) || !std::isfinite(end))
    throw ValueError(
        fmt::format("arange: start {}, end {} and step {} must be finite, and the step not 0", start, end, step));
  const double count = std::max(0.0, std::ceil((end - start) / step));
  if (count > 0x1p53) throw ShapeError(fmt::format("arange: {} elements are too many", count));
  return make({static_cast<std::int64_t>(count)}, options,
              [=](std::int64_t i) { return start + static_cast<double>(i) * step; });
}

Tensor arange(double end) { return arange(0., end, 1.); }

Tensor internal::arange_of_integers(std::int64_t start, std::int64_t end, std::int64_t step, TensorOptions options) {
  if (step == 0) throw ValueError("arange: the step must not be 0");
  const bool empty_range = step > 0 ? end <= start : end >= start;
  // Unsigned, because the way from start to end may be longer than int64 can say.
  const auto from = static_cast<std::uint64_t>(start), to = static_cast<std::uint64_t>(end);
  const std::uint64_t way = step > 0 ? to - from : from - to;
  const std::uint64_t stride = step > 0 ? static_cast<std::uint64_t>(step) : -static_cast<std::uint64_t>(step);
  const std::uint64_t count = empty_range ? 0 : (way - 1) / stride + 1;
  if (count > (std::uint64_t{1} << 53)) throw ShapeError(fmt::format("arange: {} elements are too many", count));
  if (!options.dtype) options.dtype = DType::int64;
  return make({static_cast<std::int64_t>(count)}, options, [=](std::int64_t i) {
    return static_cast<std::int64_t>(from + static_cast<std::uint64_t>(i) * static_cast<std::uint64_t>(step));
  });
}

Tensor linspace(double start, double end, std::int64_t steps, TensorOptions options) {
  const double step = steps > 1 ? (end - start) / static_cast<double>(steps - 1) : 0;
  // From both ends, so that the last number is `end` exactly.
  return make({steps}, options, [=](std::int64_t i) {
    return i < steps / 2 || steps == 1 ? start + static_cast<double>(i) * step
                                       : end - static_cast<double>(steps - 1 - i) * step;
  });
}

Tensor rand(const Shape& shape, TensorOptions options, Generator& generator) {
  if (options.dtype_or_default() == DType::float32)  // 24 bits: a double just below 1 would round up to 1
    return make(shape, options, [&](std::int64_t) { return static_cast<double>(generator.next_u32() >> 8) * 0x1p-24; });
  return make(shape, options, [&](std::int64_t) { return generator.uniform(); });
}

Tensor randn(const Shape& shape, TensorOptions options, Generator& generator) {
  return make(shape, options, [&](std::int64_t) { return generator.normal(); });
}

Tensor randint(std::int64_t low, std::int64_t high, const Shape& shape, Generator& generator) {
  if (low >= high) throw ValueError(fmt::format("randint: low {} must be below high {}", low, high));
  std::int64_t range = 0;
  if (__builtin_sub_overflow(high, low, &range))
    throw ValueError(fmt::format("randint: the range {} to {} is wider than 2^63", low, high));
  return make(shape, {.dtype = DType::int64}, [&](std::int64_t) { return low + generator.below(range); });
}

Nested::Nested(std::initializer_list<Nested> rows) {
  shape_.push_back(static_cast<std::int64_t>(rows.size()));
  for (const Nested& row : rows) {
    if (row.shape_ != rows.begin()->shape_)
      throw ShapeError(fmt::format("tensor: rows of shapes {} and {} in one list", to_string(rows.begin()->shape_),
                                   to_string(row.shape_)));
    values_.insert(values_.end(), row.values_.begin(), row.values_.end());
    whole_.insert(whole_.end(), row.whole_.begin(), row.whole_.end());
    if (&row == rows.begin())
      kind_ = row.kind_;
    else if (row.kind_ != kind_)
      kind_ = is_floating(row.kind_) || is_floating(kind_) ? DType::float64 : DType::int64;
  }
  if (is_floating(kind_)) whole_.clear();
  if (rows.size() == 0) return;
  check_rank(rows.begin()->shape_.size() + 1);
  shape_.insert(shape_.end(), rows.begin()->shape_.begin(), rows.begin()->shape_.end());
}

void internal::throw_too_large(std::uint64_t value) {
  throw ValueError(fmt::format("{} is above {}, the largest int64", value, std::numeric_limits<std::int64_t>::max()));
}

Tensor tensor(const Nested& values, TensorOptions options) {
  if (is_floating(values.kind())) {
    if (!options.dtype) options.dtype = default_dtype();
    return from_vector(values.values(), values.shape(), options);
  }
  if (options.requires_grad && !options.dtype)
    throw ValueError(
        fmt::format("tensor: {} make a tensor of {}, which cannot be trained; write 1. for 1, or name a floating dtype",
                    values.kind() == DType::int64 ? "whole numbers" : "True and False", name_of(values.kind())));
  if (!options.dtype) options.dtype = values.kind();
  return from_vector(values.whole_values(), values.shape(), options);
}

template <class T>
Tensor internal::from_values(std::span<const T> values, const Shape& shape, TensorOptions options) {
  using Element = std::conditional_t<std::is_same_v<T, unsigned char>, bool, T>;
  if (!options.dtype) options.dtype = dtype_of<Element>();
  check_shape(shape, item_size(*options.dtype), "from_vector");
  if (static_cast<std::int64_t>(values.size()) != numel(shape))
    throw ShapeError(fmt::format("from_vector: {} values for shape {}", values.size(), to_string(shape)));
  return make(shape, options, [&](std::int64_t i) { return values[static_cast<std::size_t>(i)]; });
}
template Tensor internal::from_values(std::span<const float>, const Shape&, TensorOptions);
template Tensor internal::from_values(std::span<const double>, const Shape&, TensorOptions);
template Tensor internal::from_values(std::span<const std::int64_t>, const Shape&, TensorOptions);
template Tensor internal::from_values(std::span<const unsigned char>, const Shape&, TensorOptions);

Tensor from_memory(void* data, const Shape& shape, DType dtype, std::shared_ptr<void> owner) {
  check_shape(shape, item_size(dtype), "from_memory");
  Ref<Storage> storage = Ref<Storage>::adopt(new (internal::pool_allocate(sizeof(Storage))) Storage);
  storage->data = data;
  storage->bytes = static_cast<std::size_t>(numel(shape)) * item_size(dtype);
  // Never null, so that the pool does not take memory that is not its own.
  storage->foreign = owner ? std::move(owner) : std::make_shared<int>(0);
  Ref<TensorImpl> t = internal::make_impl(shape, contiguous_strides(shape));
  t->dtype = dtype;
  t->data = data;
  t->storage = std::move(storage);
  t->number = internal::next_number();
  return Tensor(std::move(t));
}

Tensor Operand::to_tensor() const {
  if (!is_number()) return *tensor_;
  if (is_integer_ && std::abs(number()) >= 0x1p53) return from_vector<std::int64_t>({integer_}, {});
  return full({}, number());
}

Tensor variable(const Nested& values, std::string name) {
  Tensor t = tensor(values, TensorOptions{.dtype = DType::float64, .requires_grad = true});
  t.impl().teaching = true;
  if (!name.empty()) t.label(std::move(name));
  return t;
}

}  // namespace chainrule
