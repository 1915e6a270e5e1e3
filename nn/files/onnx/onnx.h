// Networks from and to other programs as ONNX files: save_onnx() and load_onnx(). Needs the reference classes of ONNX
// (Debian: libonnx-dev, libprotobuf-dev) when the library is built; without them both throw EnvironmentError.
// Which operations have a counterpart is in nn/files/onnx/README.md; every other one is refused by name.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "nn/module.h"

namespace chainrule {

struct OnnxOptions {
  std::vector<std::string> input_names{};   ///< default: "input", or "input_0", "input_1" ...
  std::vector<std::string> output_names{};  ///< default: "output", or "output_0", "output_1" ...
  /// True: axis 0 of every input is a batch of any size. It is tried: the network also computes one sample more, and
  /// its operations must be the same ones; otherwise ValueError says where they differ. False: the sizes of the
  /// example.
  bool dynamic_batch = true;
};

namespace internal {
using OnnxCall = std::function<std::vector<Tensor>(const std::vector<Tensor>&)>;
void save_onnx(ModuleBase& net, const OnnxCall& call, const std::vector<Tensor>& examples, const std::string& path,
               const OnnxOptions& options);
}  // namespace internal

/// Writes what `net` computes for inputs of the example's shape, opset 17, in evaluation mode. The operations are those
/// that were recorded while it computed the example, and once more with other numbers of the same shape: a network that
/// computes something else then (it branches on values, or uses a mask that depends on them) is refused. Parameters and
/// buffers keep their names. Throws ValueError, with operation and place, for what has no counterpart in ONNX;
/// EnvironmentError when the file cannot be written. An existing file is replaced as a whole or not at all.
template <class M>
void save_onnx(M& net, const Tensor& example, const std::string& path, const OnnxOptions& options = {}) {
  internal::save_onnx(
      net, [&](const std::vector<Tensor>& x) { return std::vector<Tensor>{net(x[0])}; }, {example}, path, options);
}

/// The same for a network that takes several tensors, and returns one or a std::vector of them.
template <class M, class... More>
void save_onnx(M& net, const std::tuple<More...>& examples, const std::string& path, const OnnxOptions& options = {}) {
  const auto call = [&](const std::vector<Tensor>& x) {
    return [&]<std::size_t... I>(std::index_sequence<I...>) {
      using Result = decltype(net(x[I]...));
      if constexpr (std::is_convertible_v<Result, Tensor>)
        return std::vector<Tensor>{net(x[I]...)};
      else
        return std::vector<Tensor>(net(x[I]...));
    }
    (std::index_sequence_for<More...>{});
  };
  internal::save_onnx(net, call, std::apply([](const auto&... x) { return std::vector<Tensor>{x...}; }, examples), path,
                      options);
}

/// A network that was read from an ONNX file. Its call records our operations, so that it is drawn, differentiated and
/// trained further like any other. Floating initializers are parameters under their names; running means and variances,
/// and what save_onnx wrote as buffers, are buffers. Batch normalisation always uses its running values.
class OnnxModule : public ModuleOf<OnnxModule> {
 public:
  ~OnnxModule() override;

  /// Of a network with one output. Throws ShapeError or ValueError for inputs that the file does not declare, and for
  /// what an operator's attributes ask for that this library does not compute, with the node.
  Tensor forward(const Tensor& x);
  Tensor forward(const Tensor& x, const Tensor& y);
  /// All inputs in order; all outputs.
  std::vector<Tensor> forward(const std::vector<Tensor>& inputs);

  std::vector<std::string> input_names() const;
  std::vector<std::string> output_names() const;
  std::string kind() const override { return "OnnxModule"; }

  struct Parts;  // for load_onnx
  explicit OnnxModule(std::unique_ptr<Parts> parts);

 private:
  std::unique_ptr<Parts> parts_;
};

/// Reads a network of opset 1 to 17. Throws ValueError for a file that is broken, too large or from a later version,
/// for operators, attributes and element types that have no counterpart here (by name, with the node), and for weights
/// in other files. Sizes are compared with the file before memory is taken.
std::shared_ptr<OnnxModule> load_onnx(const std::string& path);
/// The same from memory; `file` is what messages call it.
std::shared_ptr<OnnxModule> parse_onnx(std::string_view bytes, const std::string& file);

}  // namespace chainrule
