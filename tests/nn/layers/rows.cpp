#include "tests/nn/layers/rows.h"

#include <doctest/doctest.h>

#include <fstream>
#include <map>

#include "engine/files/array_files.h"
#include "nn/layers/registry.h"

namespace layer_rows {
using namespace chainrule;
namespace {

const std::string& folder() {
  static const std::string path = std::string(CHAINRULE_SOURCE_DIR) + "/tests/nn/layers/reference/";
  return path;
}

const std::map<std::string, Tensor>& arrays() {
  static const std::map<std::string, Tensor> all = [] {
    std::map<std::string, Tensor> found;
    for (const NamedTensor& a : read_arrays(folder() + "layers.npz")) found.emplace(a.name, a.tensor);
    return found;
  }();
  return all;
}

std::string key_of(const Row& row, const std::string& key) { return std::to_string(row.number) + "/" + key; }

/// Several results one after the other.
template <class R>
Tensor joined(R&& result) {
  std::vector<Tensor> parts;
  internal::each_tensor(result, [&](const Tensor& y) { parts.push_back(flatten(y)); });
  return cat(parts);
}

// What takes or gives more than one tensor is called through its own type.
template <class L>
Tensor call_as(ModuleBase& layer, const std::vector<Tensor>& x) {
  auto& own = dynamic_cast<L&>(layer);
  const auto given = [&](std::size_t i) { return i < x.size() ? x[i] : Tensor(); };
  if constexpr (std::is_same_v<L, TripletMarginLoss>)
    return own(x.at(0), x.at(1), x.at(2));
  else if constexpr (std::is_same_v<L, LSTM> || std::is_same_v<L, LSTMCell>)
    return joined(own(x.at(0), {given(1), given(2)}));
  else if constexpr (std::is_same_v<L, RNN> || std::is_same_v<L, GRU>)
    return joined(own(x.at(0), given(1)));
  else if constexpr (std::is_same_v<L, MultiheadAttention>)
    return joined(own(x.at(0), x.at(x.size() > 1 ? 1 : 0), x.at(x.size() > 1 ? 2 : 0),
                      {.key_padding_mask = given(4), .attn_mask = given(3)}));
  else if constexpr (std::is_same_v<L, TransformerEncoderLayer>)
    return own(x.at(0), {.src_mask = given(1), .src_key_padding_mask = given(2)});
  else if constexpr (std::is_same_v<L, RNNCell> || std::is_same_v<L, GRUCell>)
    return own(x.at(0), given(1));
  else
    return own(x.at(0), x.at(1));
}
const std::map<std::string, Tensor (*)(ModuleBase&, const std::vector<Tensor>&)>& of_several() {
  static const std::map<std::string, Tensor (*)(ModuleBase&, const std::vector<Tensor>&)> calls = {
      {"Bilinear", call_as<Bilinear>},
      {"MaxUnpool2d", call_as<MaxUnpool2d>},
      {"MSELoss", call_as<MSELoss>},
      {"L1Loss", call_as<L1Loss>},
      {"SmoothL1Loss", call_as<SmoothL1Loss>},
      {"HuberLoss", call_as<HuberLoss>},
      {"HingeEmbeddingLoss", call_as<HingeEmbeddingLoss>},
      {"KLDivLoss", call_as<KLDivLoss>},
      {"SumSquaredError", call_as<SumSquaredError>},
      {"CrossEntropyError", call_as<CrossEntropyError>},
      {"CosineSimilarity", call_as<CosineSimilarity>},
      {"CrossEntropyLoss", call_as<CrossEntropyLoss>},
      {"NLLLoss", call_as<NLLLoss>},
      {"BCELoss", call_as<BCELoss>},
      {"BCEWithLogitsLoss", call_as<BCEWithLogitsLoss>},
      {"TripletMarginLoss", call_as<TripletMarginLoss>},
      {"RNN", call_as<RNN>},
      {"LSTM", call_as<LSTM>},
      {"GRU", call_as<GRU>},
      {"RNNCell", call_as<RNNCell>},
      {"LSTMCell", call_as<LSTMCell>},
      {"GRUCell", call_as<GRUCell>},
      {"MultiheadAttention", call_as<MultiheadAttention>},
      {"TransformerEncoderLayer", call_as<TransformerEncoderLayer>},
  };
  return calls;
}

}  // namespace

const std::vector<Row>& rows() {
  static const std::vector<Row> all = [] {
    std::ifstream file(folder() + "layers.txt");
    REQUIRE(file.good());
    std::vector<Row> list;
    for (std::string line; std::getline(file, line);) {
      const auto tab = line.find('\t');
      list.push_back({static_cast<int>(list.size()), line.substr(0, tab), line.substr(tab + 1)});
    }
    return list;
  }();
  return all;
}

bool has(const Row& row, const std::string& key) { return arrays().contains(key_of(row, key)); }
Tensor array(const Row& row, const std::string& key) { return arrays().at(key_of(row, key)); }

Made make(const Row& row) {
  Made made{make_layer(row.text), {}};
  made.layer->train(row.mode == "train");
  {
    const NoGrad change;
    for (NamedTensor& t : made.layer->state()) {
      const Tensor wanted = array(row, "before/" + t.name);
      REQUIRE(t.tensor.shape() == wanted.shape());
      t.tensor.copy_(wanted);
    }
  }
  for (int i = 0; has(row, "x" + std::to_string(i)); ++i) {
    Tensor x = clone(array(row, "x" + std::to_string(i))).detach();
    if (has(row, "dx" + std::to_string(i))) x.set_requires_grad();
    made.inputs.push_back(x);
  }
  return made;
}

Tensor Made::call() const {
  if (const auto several = of_several().find(layer->kind()); several != of_several().end())
    return several->second(*layer, inputs);
  return dynamic_cast<Module&>(*layer)(inputs.at(0));
}

std::vector<NamedTensor> Made::leaves() const {
  std::vector<NamedTensor> found = layer->parameters();
  for (std::size_t i = 0; i < inputs.size(); ++i)
    if (inputs[i].requires_grad()) found.push_back({"x" + std::to_string(i), inputs[i]});
  return found;
}

}  // namespace layer_rows
