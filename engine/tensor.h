// Tensor: a cheap handle to a value and, when it was recorded, to the operation that made it.
// What can be computed with tensors is in ops/ops.h; this file knows no operation.
#pragma once

#include <functional>
#include <iosfwd>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/tensor_impl.h"

namespace chainrule {

class Tensor;
class Subscripts;

/// How `backward` may be asked to work; see Tensor::backward.
struct BackwardOptions;

/// Keeps a gradient hook alive: the hook ends with this handle, and a graph never owns it.
class [[nodiscard]] HookHandle {
 public:
  HookHandle() = default;
  explicit HookHandle(std::shared_ptr<void> hook) : hook_(std::move(hook)) {}
  void remove() { hook_.reset(); }

 private:
  std::shared_ptr<void> hook_;
};

/// Nothing but its result comes of an operation, so that dropping one is a warning.
class [[nodiscard]] Tensor {
 public:
  /// The empty handle. defined() is false and everything else throws ValueError.
  Tensor() = default;
  explicit Tensor(Ref<TensorImpl> impl) : impl_(std::move(impl)) {}
  Tensor(const Tensor&) = default;
  Tensor(Tensor&&) noexcept = default;
  // Assigning to a temporary would be lost, so it does not compile.
  Tensor& operator=(const Tensor&) & = default;
  Tensor& operator=(Tensor&&) & noexcept = default;
  ~Tensor() = default;

  [[nodiscard]] bool defined() const { return static_cast<bool>(impl_); }
  explicit operator bool() const = delete;  // say defined() or item()

  const Shape& shape() const { return impl().shape(); }
  /// Size of one axis; negative counts from the end.
  std::int64_t size(std::int64_t axis) const;
  int dim() const { return impl().shape().rank(); }
  std::int64_t numel() const { return chainrule::numel(impl().shape()); }
  DType dtype() const { return impl().dtype; }
  const Strides& strides() const { return impl().strides(); }
  bool is_contiguous() const;

  /// The one element, as a number. Throws ShapeError when there is not exactly one.
  [[nodiscard]] double item() const;
  /// All elements in row-major order, whatever the strides.
  [[nodiscard]] std::vector<double> to_vector() const;
  /// All elements in row-major order, in their own type. Throws ValueError when T is another one.
  template <class T>
  [[nodiscard]] std::vector<T> values() const;
  /// First element; elements are `strides()` apart. Valid while this value lives and no view of it is taken.
  const void* data() const { return impl().data; }
  template <class T>
  const T* data() const {
    expect_dtype(dtype_of<T>());
    return static_cast<const T*>(impl().data);
  }
  /// For writing in place: only leaves, and trainable ones only under NoGrad; throws GraphError otherwise.
  /// Values that a recorded graph saved from here become stale, and its backward will say so.
  void* mutable_data(const char* writer = "mutable_data", SourceLocation where = SourceLocation::current());
  /// Copies the other's values into this leaf (same shape; converted to this dtype).
  void copy_(const Tensor& source, SourceLocation where = SourceLocation::current());
  void fill_(double value, SourceLocation where = SourceLocation::current());

  /// True for a trainable leaf and for everything recorded from one.
  bool requires_grad() const { return impl().requires_grad || impl().node; }
  /// Makes a leaf trainable, or stops that. Throws for integer and bool tensors and for results of operations.
  Tensor& set_requires_grad(bool on = true);
  bool is_leaf() const { return !impl().node; }
  /// A value of the same storage that takes no part in the graph.
  Tensor detach() const;

  /// The gradient that the last backward left (leaves: the sum since it was last cleared). Throws GraphError when it
  /// was never computed, and says how to have it.
  [[nodiscard]] const Tensor& grad() const;
  [[nodiscard]] bool has_grad() const;
  void zero_grad();
  /// Replaces the gradient of a leaf, for example after clipping; an empty handle clears it.
  void set_grad(const Tensor& gradient);
  /// Keeps the gradient of an inner value in the next backward calls.
  Tensor& retain_grad();
  /// Calls `hook` with this value's gradient in every backward; what it returns, if defined, takes the gradient's
  /// place.
  HookHandle register_hook(std::function<Tensor(const Tensor&)> hook) const;

  /// d(this)/d(every trainable leaf), added to the leaves' gradients. This must hold one element, or options give the
  /// cotangent. Buffers are freed unless retain_graph is set. Throws GraphError; leaves are unchanged when it throws.
  void backward(SourceLocation where = SourceLocation::current()) const;
  void backward(const BackwardOptions& options, SourceLocation where = SourceLocation::current()) const;

  /// Names the value, for diagrams, reports and errors; kept composed (NFC). Returns the same handle.
  const Tensor& label(std::string name) const&;
  Tensor label(std::string name) &&;
  const std::string& label() const;

  TensorImpl& impl() const {
    if (!impl_) throw_empty();
    return *impl_;
  }
  const Ref<TensorImpl>& ref() const { return impl_; }
  /// The operation that made this value, or null.
  Node* node() const { return impl_ ? impl_->node.get() : nullptr; }
  /// As in NumPy: x[0], x[{Slice(1, 3), None}], x[mask]. Differentiable; what may stand there is in engine/index.h.
  Tensor operator[](const Subscripts& subscripts) const;  // defined in ops/shape/subscripts.cpp

  /// Same value, not same numbers.
  [[nodiscard]] bool is(const Tensor& other) const { return impl_.get() == other.impl_.get(); }

 private:
  [[noreturn]] static void throw_empty();
  void expect_dtype(DType wanted) const;
  Ref<TensorImpl> impl_;
};

extern template std::vector<float> Tensor::values() const;
extern template std::vector<double> Tensor::values() const;
extern template std::vector<std::int64_t> Tensor::values() const;

/// A value and the name it goes by: in checkpoints, optimizer state, reports.
struct NamedTensor {
  std::string name;
  Tensor tensor;
};

struct BackwardOptions {
  Tensor cotangent{};         ///< the gradient to start from; default 1 for a one-element result
  bool retain_graph = false;  ///< keep the saved values for another backward
};

/// What a value knows beyond its numbers; allocated when first needed.
struct Meta {
  ~Meta();  // elsewhere: most values have none, and letting go of none is one comparison
  std::string label;
  Tensor grad;
  Tensor value;  // of a node whose graph keeps values
  bool retain_grad = false;
  std::vector<std::weak_ptr<std::function<Tensor(const Tensor&)>>> hooks;
};
namespace internal {
/// The value's own Meta: its node's when an operation made it.
Meta& meta_of(const Tensor& tensor);
const Meta* find_meta(const Tensor& tensor);
}  // namespace internal

// --- making tensors -------------------------------------------------------------------------------------------------

/// A leaf with room for the shape, not initialised.
Tensor empty(const Shape& shape, DType dtype);
/// The same with given stride order (for example channels last); strides must be a permutation of dense ones.
Tensor empty_strided(const Shape& shape, const Strides& strides, DType dtype);
/// The same values with row-major strides; the value itself when it has them. Records nothing.
Tensor dense(const Tensor& source);  // defined in ops/accumulate.cpp, beside the kernels that copy

namespace internal {
/// The values in a buffer of their own, row-major, without history; so is a number. `clone` is the operation.
Tensor copied(const Tensor& source);  // defined there, too
/// A computed value: like empty, but a number without axes lives inside the header.
Tensor empty_result(const Shape& shape, DType dtype);
/// A computed float64 number without axes.
Tensor number_result(double value);
/// True for a float64 value without axes: `number_in` reads it.
inline bool is_number(const TensorImpl& t) { return t.dtype == DType::float64 && !t.has_axes; }
inline double number_in(const TensorImpl& t) { return *static_cast<const double*>(t.data); }
/// A view into the same storage. `offset` counts elements from the source's first.
Tensor view(const Tensor& source, const Shape& shape, const Strides& strides, std::int64_t offset = 0);
/// The value without its history; small values inside the header are copied.
Tensor alias(const Tensor& source);
}  // namespace internal

/// How floating numbers are written: digits in all (g), or behind the point (f, e).
struct NumberFormat {
  int digits = 6;
  char kind = 'g';
};
/// NumPy-like text: `220`, `[1, 2, 3]`; long axes are shortened in the middle.
std::string to_string(const Tensor& tensor, NumberFormat numbers = {});
/// With so many significant digits.
inline std::string to_string(const Tensor& tensor, int digits) { return to_string(tensor, {.digits = digits}); }
std::ostream& operator<<(std::ostream& out, const Tensor& tensor);
/// For messages: `'price' (mul, shape (2, 3))`.
std::string describe(const Tensor& tensor);

}  // namespace chainrule
