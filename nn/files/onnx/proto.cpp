// OnnxGraph as the bytes of an ONNX file and back, by the reference classes. The only source that sees protobuf.
// Deliberately not here: what the operators mean (the tables), and where the bytes lie (engine/system/file.h).
#include <fmt/format.h>

#include "engine/factory.h"
#include "engine/types/error.h"
#include "nn/files/onnx/graph.h"
#include "nn/files/onnx/wire.h"

#ifdef CHAINRULE_ONNX
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wunused-parameter"
#include <onnx/onnx_pb.h>
#pragma GCC diagnostic pop

#include <bit>
#include <cstring>
#include <limits>
#include <set>
#endif

namespace chainrule::internal {

#ifndef CHAINRULE_ONNX

namespace {
[[noreturn]] void throw_absent() {
  throw EnvironmentError(
      "ONNX: this library was built without the reference classes of ONNX; install libonnx-dev and libprotobuf-dev and "
      "build it again");
}
}  // namespace

bool has_onnx() { return false; }
std::string onnx_bytes(const OnnxGraph&) { throw_absent(); }
OnnxGraph parse_onnx_graph(std::string_view, const std::string&) { throw_absent(); }
NamedTensor parse_onnx_tensor(std::string_view, const std::string&) { throw_absent(); }

#else

bool has_onnx() { return true; }

namespace {

static_assert(std::endian::native == std::endian::little, "raw data of ONNX is little-endian");

using Proto = ::onnx::TensorProto;

// --- writing ---------------------------------------------------------------------------------------------------------

int onnx_type(DType d) {
  switch (d) {
    case DType::float32:
      return Proto::FLOAT;
    case DType::float64:
      return Proto::DOUBLE;
    case DType::int64:
      return Proto::INT64;
    case DType::boolean:
      break;
  }
  return Proto::BOOL;
}

void write_tensor(const Tensor& t, const std::string& name, Proto& proto) {
  const Tensor from = dense(t);
  proto.set_name(name);
  proto.set_data_type(onnx_type(t.dtype()));
  for (const auto size : t.shape()) proto.add_dims(size);
  proto.set_raw_data(from.data(), static_cast<std::size_t>(t.numel()) * item_size(t.dtype()));
}

struct AttributeWriter {
  ::onnx::AttributeProto& a;
  using Kind = ::onnx::AttributeProto;
  void operator()(std::int64_t v) const { a.set_type(Kind::INT), a.set_i(v); }
  void operator()(double v) const { a.set_type(Kind::FLOAT), a.set_f(static_cast<float>(v)); }
  void operator()(const std::string& v) const { a.set_type(Kind::STRING), a.set_s(v); }
  void operator()(const std::vector<std::int64_t>& v) const {
    a.set_type(Kind::INTS);
    for (const auto each : v) a.add_ints(each);
  }
  void operator()(const std::vector<double>& v) const {
    a.set_type(Kind::FLOATS);
    for (const auto each : v) a.add_floats(static_cast<float>(each));
  }
  void operator()(const std::vector<std::string>& v) const {
    a.set_type(Kind::STRINGS);
    for (const auto& each : v) a.add_strings(each);
  }
  void operator()(const Tensor& v) const {
    a.set_type(Kind::TENSOR);
    write_tensor(v, "", *a.mutable_t());
  }
};

void write_value(const OnnxValue& v, ::onnx::ValueInfoProto& proto) {
  proto.set_name(v.name);
  auto* type = proto.mutable_type()->mutable_tensor_type();
  type->set_elem_type(onnx_type(v.dtype));
  if (!v.shape) return;
  auto* shape = type->mutable_shape();
  for (std::size_t i = 0; i < v.shape->size(); ++i) {
    auto* dim = shape->add_dim();
    if ((*v.shape)[i] >= 0)
      dim->set_dim_value((*v.shape)[i]);
    else if (i < v.axis_names.size() && !v.axis_names[i].empty())
      dim->set_dim_param(v.axis_names[i]);
  }
}

// --- reading ---------------------------------------------------------------------------------------------------------

/// Reads one file: every message begins with its name.
class Parser {
 public:
  explicit Parser(const std::string& file) : file_(file) {}

  template <class... T>
  [[noreturn]] void fail(fmt::format_string<T...> text, T&&... values) const {
    throw ValueError(fmt::format("{}: {}", file_, fmt::format(text, std::forward<T>(values)...)));
  }

  template <class Message>
  Message message(std::string_view bytes, const char* what) const {
    if (bytes.size() > static_cast<std::size_t>(std::numeric_limits<int>::max()))
      fail("it has {} bytes, ONNX files have at most 2^31 - 1", bytes.size());
    Message m;
    if (!m.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
      fail("it is no {} of ONNX, or cut short", what);
    return m;
  }

  DType dtype(int type, const std::string& what) const {
    switch (type) {
      case Proto::FLOAT:
        return DType::float32;
      case Proto::DOUBLE:
        return DType::float64;
      case Proto::INT64:
      case Proto::INT32:  // every one of them is an int64, too
        return DType::int64;
      case Proto::BOOL:
        return DType::boolean;
      default:
        fail("{} holds {}; float, double, int64, int32 and bool can be read", what, type_name(type));
    }
  }

  Tensor tensor(const Proto& p, const std::string& what) const {
    if (p.data_location() == Proto::EXTERNAL || p.external_data_size() > 0)
      fail("{} lies in another file, which is not read: save the network as one file", what);
    if (p.has_segment()) fail("{} is a segment of a tensor, which is not read", what);
    const DType d = dtype(p.data_type(), what);
    if (p.dims_size() > kMaxRank) fail("{} has {} axes, at most {} are possible", what, p.dims_size(), kMaxRank);
    Shape shape;
    for (const auto size : p.dims()) {
      if (size < 0) fail("{} has the size {}", what, size);
      shape.push_back(size);
    }
    try {
      check_shape(shape, item_size(d), "ONNX");
    } catch (const ShapeError& e) {
      fail("{}: {}", what, e.what());
    }
    const std::int64_t n = numel(shape);
    switch (p.data_type()) {
      case Proto::FLOAT:
        return filled<float>(p, p.float_data(), shape, n, what);
      case Proto::DOUBLE:
        return filled<double>(p, p.double_data(), shape, n, what);
      case Proto::INT64:
        return filled<std::int64_t>(p, p.int64_data(), shape, n, what);
      case Proto::INT32:
        return filled<std::int32_t>(p, p.int32_data(), shape, n, what);
      default:
        return filled<bool>(p, p.int32_data(), shape, n, what);
    }
  }

  OnnxGraph graph(const ::onnx::ModelProto& model) const {
    OnnxGraph g;
    g.opset = opset(model);
    g.producer = model.producer_name();
    if (model.functions_size() > 0)
      fail("it defines operators of its own ('{}'), which are not read", model.functions(0).name());
    for (const auto& entry : model.metadata_props()) g.metadata[entry.key()] = entry.value();
    const ::onnx::GraphProto& from = model.graph();
    g.name = from.name();
    if (from.sparse_initializer_size() > 0) fail("it has sparse initializers, which are not read");
    std::set<std::string> stored;
    for (const auto& p : from.initializer()) {
      const std::string what = fmt::format("initializer '{}'", p.name());
      if (p.name().empty()) fail("an initializer has no name");
      if (!stored.insert(p.name()).second) fail("{} is given twice", what);
      g.initializers.push_back({p.name(), tensor(p, what)});
    }
    for (const auto& p : from.input())
      if (!stored.contains(p.name())) g.inputs.push_back(value(p, "input"));  // old files list initializers here, too
    for (const auto& p : from.output()) g.outputs.push_back(value(p, "output"));
    if (g.outputs.empty()) fail("its graph has no output");
    for (const auto& p : from.node()) g.nodes.push_back(node(p));
    return g;
  }

 private:
  static std::string type_name(int type) {
    return Proto::DataType_IsValid(type) ? Proto::DataType_Name(static_cast<Proto::DataType>(type))
                                         : fmt::format("type {}", type);
  }

  /// T: as in raw data. The count is compared with the shape before memory for it is taken.
  template <class T, class Field>
  Tensor filled(const Proto& p, const Field& field, const Shape& shape, std::int64_t n, const std::string& what) const {
    const auto count = static_cast<std::size_t>(n);
    std::vector<T> values;
    if (p.has_raw_data()) {
      const std::string& raw = p.raw_data();
      if (raw.size() / sizeof(T) != count || raw.size() % sizeof(T) != 0)
        fail("{} has shape {} and {} bytes of data", what, to_string(shape), raw.size());
      if constexpr (std::is_same_v<T, bool>) {
        for (const char byte : raw) values.push_back(byte != 0);
      } else {
        values.resize(count);
        if (count > 0) std::memcpy(values.data(), raw.data(), raw.size());
      }
    } else {
      if (static_cast<std::size_t>(field.size()) != count)
        fail("{} has shape {} and {} numbers", what, to_string(shape), field.size());
      values.reserve(count);
      for (const auto v : field) values.push_back(static_cast<T>(v));
    }
    return from_vector(values, shape);
  }

  std::int64_t opset(const ::onnx::ModelProto& model) const {
    if (!model.has_graph()) fail("it is no model of ONNX: it has no graph");
    std::int64_t version = 0;
    for (const auto& each : model.opset_import())
      if (each.domain().empty() || each.domain() == "ai.onnx") version = each.version();
    if (version == 0 && model.opset_import_size() == 0) version = 1;  // files from before there were versions
    if (version < 1 || version > 17) fail("it uses version {} of the operators, versions 1 to 17 can be read", version);
    return version;
  }

  OnnxValue value(const ::onnx::ValueInfoProto& p, const char* kind) const {
    const std::string what = fmt::format("{} '{}'", kind, p.name());
    if (p.name().empty()) fail("an {} of the graph has no name", kind);
    if (!p.type().has_tensor_type()) fail("{} is no tensor; sequences, maps and optional values are not read", what);
    const auto& type = p.type().tensor_type();
    OnnxValue v{.name = p.name(), .dtype = dtype(type.elem_type(), what)};
    if (!type.has_shape()) return v;
    if (type.shape().dim_size() > kMaxRank)
      fail("{} has {} axes, at most {} are possible", what, type.shape().dim_size(), kMaxRank);
    v.shape.emplace();
    for (const auto& dim : type.shape().dim()) {
      if (dim.has_dim_value() && dim.dim_value() < 0) fail("{} has the size {}", what, dim.dim_value());
      v.shape->push_back(dim.has_dim_value() ? dim.dim_value() : -1);
      v.axis_names.push_back(dim.has_dim_param() ? dim.dim_param() : "");
    }
    return v;
  }

  OnnxNode node(const ::onnx::NodeProto& p) const {
    OnnxNode n{.type = p.op_type(),
               .name = p.name(),
               .inputs{p.input().begin(), p.input().end()},
               .outputs{p.output().begin(), p.output().end()},
               .attributes{}};
    if (!p.domain().empty() && p.domain() != "ai.onnx")
      fail("the {} is of the domain '{}'; only operators of ONNX itself are read", n.title(), p.domain());
    for (const auto& a : p.attribute()) {
      if (!a.ref_attr_name().empty()) fail("attribute '{}' of the {} refers to a function", a.name(), n.title());
      if (!n.attributes.emplace(a.name(), attribute(a, n)).second)
        fail("attribute '{}' of the {} is given twice", a.name(), n.title());
    }
    return n;
  }

  OnnxAttribute attribute(const ::onnx::AttributeProto& a, const OnnxNode& n) const {
    const std::string what = fmt::format("attribute '{}' of the {}", a.name(), n.title());
    using Kind = ::onnx::AttributeProto;
    switch (kind_of(a)) {
      case Kind::INT:
        return std::int64_t{a.i()};
      case Kind::FLOAT:
        return static_cast<double>(a.f());
      case Kind::STRING:
        return a.s();
      case Kind::INTS:
        return std::vector<std::int64_t>(a.ints().begin(), a.ints().end());
      case Kind::FLOATS:
        return std::vector<double>(a.floats().begin(), a.floats().end());
      case Kind::STRINGS:
        return std::vector<std::string>(a.strings().begin(), a.strings().end());
      case Kind::TENSOR:
        return tensor(a.t(), what);
      case Kind::GRAPH:
      case Kind::GRAPHS:
        fail("{} is a graph of its own; loops and branches are not read", what);
      default:
        fail("{} is neither number, text nor tensor, which is not read", what);
    }
  }

  /// Files of the first versions do not say the type.
  static ::onnx::AttributeProto::AttributeType kind_of(const ::onnx::AttributeProto& a) {
    using Kind = ::onnx::AttributeProto;
    if (a.type() != Kind::UNDEFINED) return a.type();
    if (a.has_i()) return Kind::INT;
    if (a.has_f()) return Kind::FLOAT;
    if (a.has_s()) return Kind::STRING;
    if (a.has_t()) return Kind::TENSOR;
    if (a.floats_size() > 0) return Kind::FLOATS;
    if (a.ints_size() > 0) return Kind::INTS;
    if (a.strings_size() > 0) return Kind::STRINGS;
    return Kind::UNDEFINED;
  }

  const std::string& file_;
};

}  // namespace

std::string onnx_bytes(const OnnxGraph& graph) {
  ::onnx::ModelProto model;
  model.set_ir_version(8);
  model.set_producer_name(graph.producer);
  model.add_opset_import()->set_version(graph.opset);
  for (const auto& [key, text] : graph.metadata) {
    auto* entry = model.add_metadata_props();
    entry->set_key(key);
    entry->set_value(text);
  }
  ::onnx::GraphProto& to = *model.mutable_graph();
  to.set_name(graph.name);
  for (const auto& v : graph.inputs) write_value(v, *to.add_input());
  for (const auto& v : graph.outputs) write_value(v, *to.add_output());
  for (const auto& [name, tensor] : graph.initializers) write_tensor(tensor, name, *to.add_initializer());
  for (const auto& n : graph.nodes) {
    auto& p = *to.add_node();
    p.set_op_type(n.type);
    p.set_name(n.name);
    for (const auto& name : n.inputs) p.add_input(name);
    for (const auto& name : n.outputs) p.add_output(name);
    for (const auto& [name, attribute] : n.attributes) {
      auto& a = *p.add_attribute();
      a.set_name(name);
      std::visit(AttributeWriter{a}, attribute);
    }
  }
  if (model.ByteSizeLong() > static_cast<std::size_t>(std::numeric_limits<int>::max()))
    throw ValueError(
        fmt::format("save_onnx: the network takes {} bytes, ONNX files have at most 2^31 - 1", model.ByteSizeLong()));
  return model.SerializeAsString();
}

OnnxGraph parse_onnx_graph(std::string_view bytes, const std::string& file) {
  const Parser parser(file);
  if (const std::size_t fields = onnx_fields(bytes, kMostOnnxFields + 1); fields > kMostOnnxFields)
    parser.fail("it has more than {} nodes, names and attributes", kMostOnnxFields);
  return parser.graph(parser.message<::onnx::ModelProto>(bytes, "model"));
}

NamedTensor parse_onnx_tensor(std::string_view bytes, const std::string& file) {
  const Parser parser(file);
  const auto p = parser.message<Proto>(bytes, "tensor");
  return {p.name(), parser.tensor(p, fmt::format("tensor '{}'", p.name()))};
}

#endif

}  // namespace chainrule::internal
