// The Tensor handle: views, copies, labels, gradients as values. The walk is in backward.cpp, text in print.cpp.
#include "engine/tensor.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "engine/node.h"
#include "engine/system/text.h"
#include "engine/types/error.h"

namespace chainrule {

void Tensor::throw_empty() {
  throw EmptyHandleError("this tensor handle is empty: it was made by default or moved from, and holds no value");
}

void Tensor::expect_dtype(DType wanted) const {
  if (dtype() != wanted)
    throw ValueError(fmt::format("{} holds {}, not {}", describe(*this), name_of(dtype()), name_of(wanted)));
}

std::int64_t Tensor::size(std::int64_t axis) const {
  return dim() == 0 ? (normal_axis(axis, 0, "size"), 1) : shape()[normal_axis(axis, dim(), "size")];
}

namespace {

bool has_dense_order(const Shape& shape, const Strides& strides) {
  std::int64_t step = 1;
  for (int i = shape.rank() - 1; i >= 0; --i) {
    if (shape[i] == 0) return true;
    if (shape[i] != 1 && strides[i] != step) return false;
    step *= shape[i];
  }
  return true;
}

// Calls visit(element) in row-major order.
template <class T, class F>
void for_each_element(const TensorImpl& x, F&& visit) {
  const std::int64_t n = numel(x.shape());
  const T* p = static_cast<const T*>(x.data);
  if (has_dense_order(x.shape(), x.strides())) {
    for (std::int64_t i = 0; i < n; ++i) visit(p[i]);
    return;
  }
  const Shape& shape = x.shape();
  const Strides& strides = x.strides();
  const int last = shape.rank() - 1;
  const std::int64_t length = shape[last], step = strides[last];
  std::array<std::int64_t, kMaxRank> index{};
  for (std::int64_t i = 0; i < n; i += length) {
    for (std::int64_t j = 0; j < length; ++j) visit(p[j * step]);
    for (int axis = last - 1; axis >= 0; --axis) {
      p += strides[axis];
      if (++index[axis] < shape[axis]) break;
      p -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
  }
}

}  // namespace

bool Tensor::is_contiguous() const { return has_dense_order(shape(), strides()); }

double Tensor::item() const {
  if (numel() != 1) throw ShapeError(fmt::format("item: {} has {} elements, not one", describe(*this), numel()));
  return dispatch(dtype(), [&](auto zero) { return static_cast<double>(*static_cast<const decltype(zero)*>(data())); });
}

std::vector<double> Tensor::to_vector() const {
  std::vector<double> result;
  result.reserve(static_cast<std::size_t>(numel()));
  dispatch(dtype(), [&](auto zero) {
    for_each_element<decltype(zero)>(impl(), [&](auto v) { result.push_back(static_cast<double>(v)); });
  });
  return result;
}

template <class T>
std::vector<T> Tensor::values() const {
  expect_dtype(dtype_of<T>());
  std::vector<T> result;
  result.reserve(static_cast<std::size_t>(numel()));
  for_each_element<T>(impl(), [&](T v) { result.push_back(v); });
  return result;
}
template std::vector<float> Tensor::values() const;
template std::vector<double> Tensor::values() const;
template std::vector<std::int64_t> Tensor::values() const;

void* Tensor::mutable_data(const char* writer, SourceLocation where) {
  TensorImpl& t = impl();
  if (t.node)
    throw GraphError(
        fmt::format("{}: {} is the result of an operation, and only leaves can be changed in place; "
                    "compute a new value instead",
                    writer, describe(*this)));
  if (t.requires_grad && thread_state().recording)
    throw GraphError(fmt::format("{}: {} is trainable; change it inside a NoGrad scope", writer, describe(*this)));
  internal::move_outside(t);
  ++t.storage->version;
  t.storage->writer = {writer, internal::place_of_call(where)};
  return t.data;
}

namespace {

void expect_whole_range(double v, const char* who) {
  if (!(v >= -0x1p63 && v < 0x1p63)) throw ValueError(fmt::format("{}: {} is none of int64", who, v));
}

}  // namespace

void Tensor::copy_(const Tensor& source, SourceLocation where) {
  if (source.shape() != shape())
    throw ShapeError(fmt::format("copy_: the source has shape {}, {} has {}", to_string(source.shape()),
                                 describe(*this), to_string(shape())));
  const std::vector<double> values = source.to_vector();  // a copy first: the two may overlap
  const bool exact_integers = dtype() == DType::int64 && source.dtype() == DType::int64;
  if (dtype() == DType::int64 && !exact_integers)
    for (const double v : values) expect_whole_range(v, "copy_");
  const std::vector<std::int64_t> integers =
      exact_integers ? source.values<std::int64_t>() : std::vector<std::int64_t>();
  mutable_data("copy_", where);
  std::size_t i = 0;
  dispatch(dtype(), [&](auto zero) {
    using T = decltype(zero);
    for_each_element<T>(impl(), [&](const T& place) {
      if constexpr (std::is_same_v<T, std::int64_t>) {
        const_cast<T&>(place) = exact_integers ? integers[i] : static_cast<T>(values[i]);
      } else {
        const_cast<T&>(place) = static_cast<T>(values[i]);
      }
      ++i;
    });
  });
}

void Tensor::fill_(double value, SourceLocation where) {
  if (dtype() == DType::int64) expect_whole_range(value, "fill_");
  mutable_data("fill_", where);
  dispatch(dtype(), [&](auto zero) {
    using T = decltype(zero);
    for_each_element<T>(impl(), [&](const T& place) { const_cast<T&>(place) = static_cast<T>(value); });
  });
}

Tensor& Tensor::set_requires_grad(bool on) {
  TensorImpl& t = impl();
  if (t.node)
    throw GraphError(
        fmt::format("set_requires_grad: {} is the result of an operation; detach() it first", describe(*this)));
  if (on && !is_floating(t.dtype))
    throw ValueError(fmt::format("set_requires_grad: {} holds {}, and only floating tensors have gradients",
                                 describe(*this), name_of(t.dtype)));
  internal::move_outside(t);
  if (on && t.number == 0) t.number = internal::next_number();
  if (on) internal::meta_of(*this);  // here, not in backward: two threads may walk to one parameter
  if (on != t.requires_grad) t.stop = on ? Stop::none : Stop::frozen;
  t.requires_grad = on;
  return *this;
}

Tensor Tensor::detach() const {
  if (!impl().storage) internal::move_outside(impl());  // so that the two share what they hold
  Tensor result = internal::alias(*this);
  result.impl().stop = requires_grad() ? Stop::detach : impl().stop;
  result.impl().stopped_at = node() ? node()->info : impl().stopped_at;
  return result;
}

// --- Meta ------------------------------------------------------------------------------------------------------------

Meta::~Meta() = default;

const Meta* internal::find_meta(const Tensor& tensor) {
  const TensorImpl& t = tensor.impl();
  return t.node ? t.node->meta.get() : t.meta.get();
}

Meta& internal::meta_of(const Tensor& tensor) {
  TensorImpl& t = tensor.impl();
  auto& meta = t.node ? t.node->meta : t.meta;
  if (!meta) meta = std::make_unique<Meta>();
  return *meta;
}

const Tensor& Tensor::label(std::string name) const& {
  internal::meta_of(*this).label = composed(std::move(name));
  return *this;
}

Tensor Tensor::label(std::string name) && {
  internal::meta_of(*this).label = composed(std::move(name));
  return std::move(*this);
}

const std::string& Tensor::label() const {
  static const std::string none;
  const Meta* meta = internal::find_meta(*this);
  return meta ? meta->label : none;
}

bool Tensor::has_grad() const {
  const Meta* meta = internal::find_meta(*this);
  return meta && meta->grad.defined();
}

const Tensor& Tensor::grad() const {
  if (has_grad()) return internal::find_meta(*this)->grad;
  const TensorImpl& t = impl();
  if (!requires_grad())
    throw GraphError(
        fmt::format("grad: {} is not trainable, so it has no gradient; call set_requires_grad() before "
                    "computing with it",
                    describe(*this)));
  if (t.node && !t.node->teaching && !(t.node->meta && t.node->meta->retain_grad))
    throw GraphError(
        fmt::format("grad: the gradient of {} was not kept, because it is an inner value; call "
                    "retain_grad() on it before backward(), or compute it inside a TeachingMode scope",
                    describe(*this)));
  throw GraphError(
      fmt::format("grad: the gradient of {} was not computed: no backward() has reached it", describe(*this)));
}

void Tensor::zero_grad() {
  if (internal::find_meta(*this)) internal::meta_of(*this).grad = Tensor();
}

void Tensor::set_grad(const Tensor& gradient) {
  if (!is_leaf()) throw GraphError(fmt::format("set_grad: {} is not a leaf", describe(*this)));
  if (!gradient.defined()) return zero_grad();
  if (gradient.shape() != shape() || gradient.dtype() != dtype())
    throw ShapeError(fmt::format("set_grad: the gradient is {} {}, {} is {} {}", name_of(gradient.dtype()),
                                 to_string(gradient.shape()), describe(*this), name_of(dtype()), to_string(shape())));
  internal::meta_of(*this).grad = internal::alias(gradient);
}

Tensor& Tensor::retain_grad() {
  if (!requires_grad()) throw GraphError(fmt::format("retain_grad: {} is not trainable", describe(*this)));
  internal::meta_of(*this).retain_grad = true;
  return *this;
}

HookHandle Tensor::register_hook(std::function<Tensor(const Tensor&)> hook) const {
  if (!requires_grad())
    throw GraphError(fmt::format("register_hook: {} is not trainable, so no gradient will come", describe(*this)));
  auto owned = std::make_shared<std::function<Tensor(const Tensor&)>>(std::move(hook));
  auto& hooks = internal::meta_of(*this).hooks;
  std::erase_if(hooks, [](const auto& h) { return h.expired(); });
  hooks.emplace_back(owned);
  return HookHandle(owned);
}

// --- making tensors --------------------------------------------------------------------------------------------------

namespace {

Tensor in_new_buffer(const Shape& shape, const Strides& strides, DType dtype) {
  Ref<TensorImpl> t = internal::make_impl(shape, strides);
  t->dtype = dtype;
  t->storage = internal::make_storage(static_cast<std::size_t>(numel(shape)) * item_size(dtype));
  t->data = t->storage->data;
  return Tensor(std::move(t));
}

}  // namespace

Tensor empty(const Shape& shape, DType dtype) {
  check_shape(shape, item_size(dtype), "tensor");
  return in_new_buffer(shape, contiguous_strides(shape), dtype);
}

Tensor internal::empty_result(const Shape& shape, DType dtype) {
  if (shape.empty()) {  // the scalar, quick
    Ref<TensorImpl> t = internal::make_number_impl();
    t->dtype = dtype;
    return Tensor(std::move(t));
  }
  return empty(shape, dtype);
}

Tensor empty_strided(const Shape& shape, const Strides& strides, DType dtype) {
  check_shape(shape, item_size(dtype), "tensor");
  return in_new_buffer(shape, strides, dtype);
}

Tensor internal::view(const Tensor& source, const Shape& shape, const Strides& strides, std::int64_t offset) {
  TensorImpl& from = source.impl();
  internal::move_outside(from);
  Ref<TensorImpl> t = internal::make_impl(shape, strides);
  t->dtype = from.dtype;
  t->storage = from.storage;
  t->data = static_cast<char*>(from.data) + offset * static_cast<std::int64_t>(item_size(from.dtype));
  return Tensor(std::move(t));
}

Tensor internal::alias(const Tensor& source) {
  const TensorImpl& from = source.impl();
  Ref<TensorImpl> t = internal::make_impl(from.shape(), from.strides());
  t->dtype = from.dtype;
  if (from.storage) {
    t->storage = from.storage;
    t->data = from.data;
  } else {
    std::memcpy(t->inside, from.inside, sizeof from.inside);
    t->data = t->inside;
  }
  return Tensor(std::move(t));
}

}  // namespace chainrule
