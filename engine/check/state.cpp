// Copies, restoring, comparing: the parts of a gradient check that handle tensors and know no derivative.
#include "engine/check/state.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "engine/traverse.h"
#include "engine/types/error.h"

namespace chainrule::internal {

StateGuard::StateGuard(const std::vector<Tensor>& leaves) : leaves_(leaves) {
  const NoGrad quiet;
  for (const Tensor& leaf : leaves) {
    values_.push_back(empty(leaf.shape(), leaf.dtype()));
    values_.back().copy_(leaf);
  }
}

StateGuard::~StateGuard() {
  default_generator().set_state(generator_);
  restore_leaves();
}

void StateGuard::restore_leaves() const {
  const NoGrad quiet;
  for (std::size_t i = 0; i < leaves_.size(); ++i) Tensor(leaves_[i]).copy_(values_[i]);
}

namespace {

// A copy in another dtype with the same strides, so that the check of a transposed or stepped input is one of that
// layout. Inputs whose elements share memory are spread out: each must be shifted alone.
Tensor copy_as(const Tensor& source, DType dtype) {
  const Shape& shape = source.shape();
  const NoGrad quiet;
  boost::container::static_vector<int, kMaxRank> axes;
  for (int i = 0; i < source.dim(); ++i)
    if (shape[i] > 1) axes.push_back(i);
  auto size_of = [&](int axis) { return std::abs(source.strides()[axis]); };
  std::sort(axes.begin(), axes.end(), [&](int a, int b) { return size_of(a) < size_of(b); });
  std::int64_t last = 0, offset = 0;
  bool apart = source.numel() > 0;
  for (const int axis : axes) {
    apart &= size_of(axis) > last;
    const std::int64_t reach = (shape[axis] - 1) * source.strides()[axis];
    last += std::abs(reach);
    offset -= std::min<std::int64_t>(reach, 0);
  }
  Tensor copy = apart ? internal::view(zeros({last + 1}, {.dtype = dtype}), shape, source.strides(), offset)
                      : empty(shape, dtype);
  copy.copy_(source);
  return copy;
}

}  // namespace

CheckedInputs::CheckedInputs(const std::vector<NamedTensor>& inputs, bool captured, DType dtype) {
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const Tensor& input = inputs[i].tensor;
    if (!input.defined()) throw ValueError(fmt::format("gradcheck: input {} is an empty tensor handle", i + 1));
    if (captured && !input.is_leaf())
      throw GraphError(
          fmt::format("gradcheck: {} is the result of an operation; a function without arguments is "
                      "checked by the leaves that it reads",
                      describe(input)));
  }
  try {
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      const Tensor& input = inputs[i].tensor;
      all_.push_back(input);
      if (!is_floating(input.dtype())) {
        notes_.push_back(fmt::format("input {} holds {} and was left out", i + 1, name_of(input.dtype())));
        continue;
      }
      names_.push_back(inputs[i].name);
      places_.push_back(i);
      if (captured)
        lift(input, dtype);
      else
        checked_.push_back(copy_as(input, dtype).set_requires_grad());
    }
  } catch (...) {
    put_back();
    throw;
  }
}

CheckedInputs::~CheckedInputs() { put_back(); }

// The handle that the function reads stays the same; only what it points to is exchanged.
void CheckedInputs::lift(const Tensor& input, DType dtype) {
  const Tensor copy = copy_as(input, dtype);
  TensorImpl& t = input.impl();
  originals_.push_back(
      {input, t.meta ? t.meta->grad : Tensor(), t.dtype, t.requires_grad, t.data, t.storage, t.strides()});
  t.dtype = dtype;
  t.requires_grad = true;
  t.data = copy.impl().data;
  t.storage = copy.impl().storage;
  t.set_strides(copy.strides());
  if (t.meta) t.meta->grad = Tensor();
  checked_.push_back(input);
}

// Last first: a leaf that was given twice was exchanged twice.
void CheckedInputs::put_back() noexcept {
  for (; !originals_.empty(); originals_.pop_back()) {
    Original& o = originals_.back();
    TensorImpl& t = o.leaf.impl();
    t.dtype = o.dtype;
    t.requires_grad = o.requires_grad;
    t.data = o.data;
    t.storage = std::move(o.storage);
    t.set_strides(o.strides);
    if (t.meta) t.meta->grad = std::move(o.grad);
  }
}

std::vector<Tensor> CheckedInputs::arguments(const std::vector<Tensor>& x) const {
  std::vector<Tensor> result = all_;
  for (std::size_t i = 0; i < places_.size(); ++i) result[places_[i]] = x[i];
  return result;
}

ElementWriter::ElementWriter(const Tensor& leaf, std::int64_t element) : leaf_(leaf) {
  const std::vector<std::int64_t> index = index_of(element, leaf.shape());
  for (std::size_t axis = 0; axis < index.size(); ++axis) offset_ += index[axis] * leaf.strides()[axis];
}

void ElementWriter::write(double value) const {
  const NoGrad quiet;
  void* data = leaf_.mutable_data("gradcheck");
  dispatch_floating(leaf_.dtype(), [&](auto zero) {
    using T = decltype(zero);
    static_cast<T*>(data)[offset_] = static_cast<T>(value);
  });
}

std::vector<std::int64_t> index_of(std::int64_t element, const Shape& shape) {
  std::vector<std::int64_t> index(shape.size());
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    index[axis] = element % shape[axis];
    element /= shape[axis];
  }
  return index;
}

bool same_bits(const Tensor& x, const Tensor& y) {
  if (x.dtype() != y.dtype() || x.shape() != y.shape()) return false;
  const Tensor a = dense(x), b = dense(y);
  const std::size_t bytes = static_cast<std::size_t>(a.numel()) * item_size(a.dtype());
  return bytes == 0 || std::memcmp(a.data(), b.data(), bytes) == 0;
}

std::string first_difference(const std::vector<Tensor>& one, const std::vector<Tensor>& two) {
  for (std::size_t k = 0; k < std::min(one.size(), two.size()); ++k)
    if (!same_bits(one[k], two[k])) return fmt::format("output {}", k + 1);
  return one.size() == two.size() ? "" : "the number of outputs";
}

GradcheckBlame where_they_part(const std::vector<Tensor>& one, const std::vector<Tensor>& two) {
  const Traversal a(one), b(two);
  auto differ = [](const Tensor& x, const Tensor& y) { return x.defined() && y.defined() && !same_bits(x, y); };
  auto value_of = [](const Node& node) { return node.meta ? node.meta->value : Tensor(); };
  // Oldest first: the first node with another value, or with another constant beside it, is where the randomness
  // enters.
  const std::size_t count = std::min(a.size(), b.size());
  for (std::size_t i = 1; i <= count; ++i) {
    const Node &x = a.node(a.size() - i), &y = b.node(b.size() - i);
    if (x.info == y.info && !differ(value_of(x), value_of(y))) continue;
    GradcheckBlame blame{.op = x.info->name, .place = to_string(x.where)};
    if (blame.place.empty()) blame.place = fmt::format("operation {} of {}", i, a.size());
    for (std::size_t e = 0; x.info == y.info && e < x.edges().size(); ++e) {
      const Ref<TensorImpl>&p = x.edges()[e].value, &q = y.edges()[e].value;
      if (p && q && differ(Tensor(p), Tensor(q)) && blame.input.empty())
        blame.input = input_letter(*x.info, static_cast<int>(e));
    }
    return blame;
  }
  return {};
}

}  // namespace chainrule::internal
