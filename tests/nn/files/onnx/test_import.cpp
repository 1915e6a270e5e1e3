// What is read: refused by sentences, bounded, whatever the bytes. The files are built here from plain structs.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "engine/factory.h"
#include "engine/types/error.h"
#include "nn/files/onnx/graph.h"
#include "nn/files/onnx/onnx.h"
#include "nn/files/onnx/wire.h"
#include "ops/ops.h"

using namespace chainrule;
using internal::OnnxGraph;
using internal::OnnxNode;

namespace {

bool skipped() {
  if (internal::has_onnx()) return false;
  MESSAGE("skipped: built without libonnx-dev");
  return true;
}

/// One node from input x, of two axes, to output z.
OnnxGraph graph_of(OnnxNode node) {
  OnnxGraph g;
  g.inputs = {{"x", DType::float32, std::vector<std::int64_t>{-1, 3}, {"batch", ""}}};
  g.outputs = {{"z", DType::float32}};
  g.nodes = {std::move(node)};
  return g;
}

std::shared_ptr<OnnxModule> read(const OnnxGraph& g) { return parse_onnx(internal::onnx_bytes(g), "net.onnx"); }

template <class F>
std::string error_of(const F& f) {
  try {
    f();
  } catch (const Error& e) {
    const std::string text = e.what();  // without the module and the line of the call
    return text.substr(0, text.find("; in OnnxModule"));
  }
  return "nothing was thrown";
}

}  // namespace

TEST_CASE("without the reference classes there is one sentence") {
  if (internal::has_onnx()) return;
  const std::string text = error_of([] { parse_onnx("", "net.onnx"); });
  CHECK(text ==
        "ONNX: this library was built without the reference classes of ONNX; install libonnx-dev and "
        "libprotobuf-dev and build it again");
}

TEST_CASE("files that cannot be read say why") {
  if (skipped()) return;
  const OnnxNode relu{"Relu", "r", {"x"}, {"z"}, {}};
  const auto reading = [](const OnnxGraph& g) { return error_of([&] { read(g); }); };
  CHECK(error_of([] { parse_onnx("no such thing", "net.onnx"); }) == "net.onnx: it is no model of ONNX, or cut short");
  CHECK(error_of([] { parse_onnx("", "net.onnx"); }) == "net.onnx: it is no model of ONNX: it has no graph");
  CHECK(error_of([] { load_onnx("/none.onnx"); }).find("/none.onnx") != std::string::npos);

  OnnxGraph g = graph_of(relu);
  g.opset = 18;
  CHECK(reading(g) == "net.onnx: it uses version 18 of the operators, versions 1 to 17 can be read");
  CHECK(reading(graph_of({"Loop", "l", {"x"}, {"z"}, {}})) ==
        "net.onnx: the Loop node 'l' is of an operator that this library does not compute");
  CHECK(reading(graph_of({"Relu", "", {"x"}, {"z"}, {{"alpha", 0.5}}})) ==
        "net.onnx: attribute 'alpha' of the Relu node of 'z' is not understood");
  CHECK(reading(graph_of({"Relu", "r", {"y"}, {"z"}, {}})) ==
        "net.onnx: the Relu node 'r' reads 'y', which nothing before it computes");
  CHECK(reading(graph_of({"Relu", "r", {"x"}, {"x"}, {}})) == "net.onnx: 'x' is computed twice");
  CHECK(reading(graph_of({"Relu", "r", {"x"}, {"y"}, {}})) == "net.onnx: nothing computes the output 'z'");
  CHECK(reading(graph_of({"Relu", "r", {"x"}, {}, {}})) == "net.onnx: the Relu node 'r' has no output");
  g = graph_of({"Add", "a", {"x", "w"}, {"z"}, {}});
  g.initializers = {{"w", ones({3})}, {"w", ones({3})}};
  CHECK(reading(g) == "net.onnx: initializer 'w' is given twice");
  for (const std::string name : {"a..b", ".a", "a."}) {
    g = graph_of({"Add", "a", {"x", name}, {"z"}, {}});
    g.initializers = {{name, ones({3})}};
    CAPTURE(name);
    CHECK(reading(g).starts_with("net.onnx: "));
  }
}

TEST_CASE("calls that do not fit say why, with the node") {
  if (skipped()) return;
  const auto calling = [](const OnnxGraph& g, const Tensor& x) { return error_of([&] { (*read(g))(x); }); };
  const OnnxGraph relu = graph_of({"Relu", "r", {"x"}, {"z"}, {}});
  CHECK((*read(relu))(tensor({{-1.0, 0.0, 2.0}})).to_vector() == std::vector<double>{0, 0, 2});
  CHECK(calling(relu, ones({2, 4})) == "ONNX: input 'x' has shape (2, 4), the file says (batch, 3)");
  CHECK(calling(relu, ones({2, 3}, DType::float64)) == "ONNX: input 'x' is float64, the file says float32");
  CHECK(error_of([&] {
          (*read(relu))(ones({1, 3}), ones({1, 3}));
        }) == "ONNX: the network takes 1 inputs, 2 are given");
  CHECK(calling(graph_of({"Concat", "c", {"x", "x"}, {"z"}, {{"axis", std::int64_t{2}}}}), ones({1, 3}))
            .starts_with("ONNX: the Concat node 'c': cat: "));
  CHECK(calling(graph_of({"Gather", "g", {"x"}, {"z"}, {}}), ones({1, 3})) ==
        "ONNX: the Gather node 'g' cannot be computed: its input 1 is missing");
  CHECK(calling(graph_of({"Softmax", "s", {"x"}, {"z"}, {{"axis", std::string("1")}}}), ones({1, 3})) ==
        "ONNX: the Softmax node 's' cannot be computed: its attribute 'axis' is no whole number");
  CHECK(calling(graph_of({"Cast", "c", {"x"}, {"z"}, {{"to", std::int64_t{10}}}}), ones({1, 3}))
            .find("an element type other than float, double, int64 and bool") != std::string::npos);
}

TEST_CASE("shapes in a file do not take memory that the file does not hold") {
  if (skipped()) return;
  const std::int64_t big = std::int64_t{1} << 40;
  const auto refused = [](const char* type, const std::vector<Tensor>& more) {
    OnnxGraph g = graph_of({type, "n", {"x"}, {"z"}, {}});
    if (std::string(type) == "ConstantOfShape") g.nodes[0].inputs.clear();
    for (std::size_t i = 0; i < more.size(); ++i) {
      g.initializers.push_back({fmt::format("c{}", i), more[i]});
      g.nodes[0].inputs.push_back(g.initializers.back().name);
    }
    return error_of([&] { (*read(g))(ones({1, 3})); });
  };
  CHECK(refused("ConstantOfShape", {tensor({big, big, big})}).find("more than 2^28 elements") != std::string::npos);
  CHECK(refused("Expand", {tensor({big, 3})}).find("more than 2^28 elements") != std::string::npos);
  CHECK(refused("Tile", {tensor({big, 3})}).find("a count is") != std::string::npos);
  CHECK(refused("Tile", {tensor({big >> 14, std::int64_t{9}})}).find("more than 2^28") != std::string::npos);
  CHECK(refused("Pad", {tensor({big, std::int64_t{0}, std::int64_t{0}, std::int64_t{0}})}).find("an amount is") !=
        std::string::npos);
  CHECK(refused("Reshape", {tensor({big, big})}).starts_with("ONNX: the Reshape node 'n'"));
  // An empty node takes two bytes.
  std::string nodes;
  for (std::size_t i = 0; i < internal::kMostOnnxFields + 10; ++i) nodes += std::string("\x0a\x00", 2);
  std::string bytes = "\x3a";
  for (std::size_t n = nodes.size(); n > 0; n >>= 7) bytes += static_cast<char>((n & 0x7f) | (n > 0x7f ? 0x80 : 0));
  CHECK(error_of([&] { parse_onnx(bytes + nodes, "net.onnx"); }) ==
        "net.onnx: it has more than 2000000 nodes, names and attributes");
}

TEST_CASE("a damaged or cut file is refused or read, never more") {
  if (skipped()) return;
  OnnxGraph g = graph_of({"Gemm", "g", {"x", "fc.weight", "fc.bias"}, {"z"}, {{"transB", std::int64_t{1}}}});
  g.initializers = {{"fc.weight", ones({2, 3})}, {"fc.bias", ones({2})}};
  const std::string whole = internal::onnx_bytes(g);
  int read_anyway = 0;
  const auto attempt = [&](const std::string& bytes) {
    try {
      (*parse_onnx(bytes, "net.onnx"))(ones({1, 3}));
      ++read_anyway;
    } catch (const Error& e) {
      CHECK(std::string(e.what()).size() > 10);
    }
  };
  for (std::size_t n = 0; n < whole.size(); ++n) attempt(whole.substr(0, n));
  for (std::size_t i = 0; i < whole.size(); ++i)
    for (const unsigned bit : {0u, 3u, 7u}) {
      std::string bytes = whole;
      bytes[i] = static_cast<char>(static_cast<unsigned char>(bytes[i]) ^ (1u << bit));
      attempt(bytes);
    }
  CHECK(read_anyway > 0);
  CHECK((*parse_onnx(whole, "net.onnx"))(ones({1, 3})).to_vector() == std::vector<double>{4, 4});
}
