// The rows of the registry. Reading texts is in registry_text.cpp.
#include "nn/layers/registry.h"

#include <fmt/format.h>

#include "nn/layers.h"

namespace chainrule {
namespace {

using A = const Arguments&;

template <class Layer, class... Values>
std::shared_ptr<ModuleBase> made(Values&&... values) {
  return std::make_shared<Layer>(std::forward<Values>(values)...);
}

template <class Layer>
LayerInfo plain(const char* name) {
  return {{.name = name, .signature = "", .call = nullptr, .example = "", .with = ""}, [](A) { return made<Layer>(); }};
}

LayerInfo row(const char* name, const char* signature, std::shared_ptr<ModuleBase> (*make)(A), int axis = 0) {
  return {{.name = name, .signature = signature, .call = nullptr, .example = "", .with = ""}, make, axis};
}

template <class E>
E word(A a, int i, std::initializer_list<std::pair<const char*, E>> words) {
  const std::string given = a.mode(i);
  std::string known;
  for (const auto& [text, value] : words) {
    if (given == text) return value;
    known += fmt::format("{}'{}'", known.empty() ? "" : ", ", text);
  }
  throw ValueError(fmt::format("'{}' is none of {}", given, known));
}

bool is_same(A a, int i) { return a.value(i).is<std::string>() && a.mode(i) == "same"; }

PadMode pad_mode(A a, int i) {
  return word<PadMode>(a, i,
                       {{"zeros", PadMode::constant},
                        {"reflect", PadMode::reflect},
                        {"replicate", PadMode::replicate},
                        {"circular", PadMode::circular}});
}

Approximation approximation(A a, int i) {
  return word<Approximation>(a, i, {{"none", Approximation::none}, {"tanh", Approximation::tanh}});
}

Interpolation interpolation(A a, int i) {
  return word<Interpolation>(a, i,
                             {{"nearest", Interpolation::nearest},
                              {"nearest-exact", Interpolation::nearest_exact},
                              {"linear", Interpolation::linear},
                              {"bilinear", Interpolation::bilinear},
                              {"bicubic", Interpolation::bicubic},
                              {"area", Interpolation::area}});
}

Nonlinearity nonlinearity(A a, int i) {
  return word<Nonlinearity>(a, i, {{"tanh", Nonlinearity::tanh}, {"relu", Nonlinearity::relu}});
}

/// Those that LSTM and GRU share, from argument 2 on.
RecurrentOptions recurrent(A a) {
  return {.num_layers = a.integer(2),
          .bias = a.flag(3),
          .batch_first = a.flag(4),
          .dropout = a.number(5),
          .bidirectional = a.flag(6)};
}

std::optional<std::array<double, 2>> factors(A a, int i) {
  if (a.is_none(i)) return std::nullopt;
  const std::vector<double> f = a.tensor(i).to_vector();
  if (f.empty() || f.size() > 2) throw ValueError("Upsample: scale_factor is one number, or two as in (2, 3)");
  return std::array<double, 2>{f.front(), f.back()};
}

OutputSize output_sizes(A a, int i) {
  if (!a.value(i).is<Value::List>()) return a.integer(i);
  const auto& list = a.value(i).as<Value::List>();
  if (list.size() != 2) throw ValueError("output_size is one number, or two as in (2, None)");
  const auto side = [](const Value& v) {
    return v.is<std::int64_t>() ? std::optional(v.as<std::int64_t>()) : std::nullopt;
  };
  return {side(list[0]), side(list[1])};
}

// One line for each layer.
// clang-format off
const std::vector<LayerInfo>& rows() {
  static const std::vector<LayerInfo> list = {
    // linear.h
    row("Linear", "in_features, out_features, bias=True", [](A a) { return made<Linear>(a.integer(0), a.integer(1), Linear::Options{.bias = a.flag(2)}); }, -1),
    row("Affine", "in_features, out_features", [](A a) { return made<Affine>(a.integer(0), a.integer(1)); }, -1),
    row("Bilinear", "in1_features, in2_features, out_features, bias=True", [](A a) { return made<Bilinear>(a.integer(0), a.integer(1), a.integer(2), Bilinear::Options{.bias = a.flag(3)}); }, -1),
    // conv.h
    row("Conv1d", "in_channels, out_channels, kernel_size, stride=1, padding=0, dilation=1, groups=1, bias=True, padding_mode='zeros'", [](A a) { return made<Conv1d>(a.integer(0), a.integer(1), Conv1d::Options{.kernel_size = a.integer(2), .stride = a.integer(3), .padding = is_same(a, 4) ? 0 : a.integer(4), .dilation = a.integer(5), .groups = a.integer(6), .bias = a.flag(7), .same_padding = is_same(a, 4), .padding_mode = pad_mode(a, 8)}); }, 1),
    row("Conv2d", "in_channels, out_channels, kernel_size, stride=1, padding=0, dilation=1, groups=1, bias=True, padding_mode='zeros'", [](A a) { return made<Conv2d>(a.integer(0), a.integer(1), Conv2d::Options{.kernel_size = a.size2(2), .stride = a.size2(3), .padding = is_same(a, 4) ? Size2(0) : a.size2(4), .dilation = a.size2(5), .groups = a.integer(6), .bias = a.flag(7), .same_padding = is_same(a, 4), .padding_mode = pad_mode(a, 8)}); }, 1),
    row("ConvTranspose2d", "in_channels, out_channels, kernel_size, stride=1, padding=0, output_padding=0, groups=1, bias=True, dilation=1", [](A a) { return made<ConvTranspose2d>(a.integer(0), a.integer(1), ConvTranspose2d::Options{.kernel_size = a.size2(2), .stride = a.size2(3), .padding = a.size2(4), .output_padding = a.size2(5), .groups = a.integer(6), .bias = a.flag(7), .dilation = a.size2(8)}); }, 1),
    // pool.h
    row("MaxPool1d", "kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False", [](A a) { return made<MaxPool1d>(a.integer(0), MaxPool1d::Options{.stride = a.optional_integer(1), .padding = a.integer(2), .dilation = a.integer(3), .ceil_mode = a.flag(4)}); }),
    row("AvgPool1d", "kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True", [](A a) { return made<AvgPool1d>(a.integer(0), AvgPool1d::Options{.stride = a.optional_integer(1), .padding = a.integer(2), .ceil_mode = a.flag(3), .count_include_pad = a.flag(4)}); }),
    row("MaxPool2d", "kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False", [](A a) { return made<MaxPool2d>(a.size2(0), MaxPool2d::Options{.stride = a.optional_size2(1), .padding = a.size2(2), .dilation = a.size2(3), .ceil_mode = a.flag(4)}); }),
    row("AvgPool2d", "kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None", [](A a) { return made<AvgPool2d>(a.size2(0), AvgPool2d::Options{.stride = a.optional_size2(1), .padding = a.size2(2), .ceil_mode = a.flag(3), .count_include_pad = a.flag(4), .divisor_override = a.optional_integer(5)}); }),
    row("MaxUnpool2d", "kernel_size, stride=None, padding=0, output_size=None", [](A a) { return made<MaxUnpool2d>(a.size2(0), MaxUnpool2d::Options{.stride = a.optional_size2(1), .padding = a.size2(2), .output_size = a.optional_size2(3)}); }),
    row("AdaptiveAvgPool2d", "output_size", [](A a) { return made<AdaptiveAvgPool2d>(output_sizes(a, 0)); }),
    row("AdaptiveMaxPool2d", "output_size", [](A a) { return made<AdaptiveMaxPool2d>(output_sizes(a, 0)); }),
    plain<GlobalAvgPool>("GlobalAvgPool"),
    plain<GlobalMaxPool>("GlobalMaxPool"),
    // norm.h
    row("BatchNorm1d", "num_features, eps=1e-5, momentum=0.1, affine=True, track_running_stats=True", [](A a) { return made<BatchNorm1d>(a.integer(0), BatchNorm1d::Options{a.number(1), a.optional_number(2), a.flag(3), a.flag(4)}); }, 1),
    row("BatchNorm2d", "num_features, eps=1e-5, momentum=0.1, affine=True, track_running_stats=True", [](A a) { return made<BatchNorm2d>(a.integer(0), BatchNorm2d::Options{a.number(1), a.optional_number(2), a.flag(3), a.flag(4)}); }, 1),
    row("InstanceNorm1d", "num_features, eps=1e-5, momentum=0.1, affine=False, track_running_stats=False", [](A a) { return made<InstanceNorm1d>(a.integer(0), InstanceNorm1d::Options{a.number(1), a.number(2), a.flag(3), a.flag(4)}); }, 1),
    row("InstanceNorm2d", "num_features, eps=1e-5, momentum=0.1, affine=False, track_running_stats=False", [](A a) { return made<InstanceNorm2d>(a.integer(0), InstanceNorm2d::Options{a.number(1), a.number(2), a.flag(3), a.flag(4)}); }, 1),
    row("LayerNorm", "normalized_shape, eps=1e-5, elementwise_affine=True", [](A a) { return made<LayerNorm>(a.shape(0), LayerNorm::Options{a.number(1), a.flag(2)}); }, -1),
    row("RMSNorm", "normalized_shape, eps=None, elementwise_affine=True", [](A a) { return made<RMSNorm>(a.shape(0), RMSNorm::Options{a.optional_number(1), a.flag(2)}); }, -1),
    row("GroupNorm", "num_groups, num_channels, eps=1e-5, affine=True", [](A a) { return made<GroupNorm>(a.integer(0), a.integer(1), GroupNorm::Options{a.number(2), a.flag(3)}); }),
    row("LocalResponseNorm", "size, alpha=1e-4, beta=0.75, k=1.0", [](A a) { return made<LocalResponseNorm>(a.integer(0), LocalResponseNorm::Options{a.number(1), a.number(2), a.number(3)}); }),
    // dropout.h
    row("Dropout", "p=0.5", [](A a) { return made<Dropout>(a.number(0)); }),
    row("Dropout2d", "p=0.5", [](A a) { return made<Dropout2d>(a.number(0)); }),
    // embedding.h
    row("Embedding", "num_embeddings, embedding_dim, padding_idx=None", [](A a) { return made<Embedding>(a.integer(0), a.integer(1), Embedding::Options{a.optional_integer(2)}); }),
    // recurrent.h
    row("RNN", "input_size, hidden_size, num_layers=1, nonlinearity='tanh', bias=True, batch_first=False, dropout=0.0, bidirectional=False", [](A a) { return made<RNN>(a.integer(0), a.integer(1), RNN::Options{a.integer(2), nonlinearity(a, 3), a.flag(4), a.flag(5), a.number(6), a.flag(7)}); }, -1),
    row("LSTM", "input_size, hidden_size, num_layers=1, bias=True, batch_first=False, dropout=0.0, bidirectional=False", [](A a) { return made<LSTM>(a.integer(0), a.integer(1), recurrent(a)); }, -1),
    row("GRU", "input_size, hidden_size, num_layers=1, bias=True, batch_first=False, dropout=0.0, bidirectional=False", [](A a) { return made<GRU>(a.integer(0), a.integer(1), recurrent(a)); }, -1),
    row("RNNCell", "input_size, hidden_size, bias=True, nonlinearity='tanh'", [](A a) { return made<RNNCell>(a.integer(0), a.integer(1), RNNCell::Options{a.flag(2), nonlinearity(a, 3)}); }, -1),
    row("LSTMCell", "input_size, hidden_size, bias=True", [](A a) { return made<LSTMCell>(a.integer(0), a.integer(1), LSTMCell::Options{a.flag(2)}); }, -1),
    row("GRUCell", "input_size, hidden_size, bias=True", [](A a) { return made<GRUCell>(a.integer(0), a.integer(1), GRUCell::Options{a.flag(2)}); }, -1),
    // attention.h
    row("MultiheadAttention", "embed_dim, num_heads, dropout=0.0, bias=True, kdim=None, vdim=None, batch_first=False", [](A a) { return made<MultiheadAttention>(a.integer(0), a.integer(1), MultiheadAttention::Options{a.number(2), a.flag(3), a.optional_integer(4), a.optional_integer(5), a.flag(6)}); }, -1),
    row("TransformerEncoderLayer", "d_model, nhead, dim_feedforward=2048, dropout=0.1, activation='relu', layer_norm_eps=1e-5, batch_first=False, norm_first=False", [](A a) { return made<TransformerEncoderLayer>(a.integer(0), a.integer(1), TransformerEncoderLayer::Options{a.integer(2), a.number(3), word<TransformerActivation>(a, 4, {{"relu", TransformerActivation::relu}, {"gelu", TransformerActivation::gelu}}), a.number(5), a.flag(6), a.flag(7)}); }, -1),
    // activation.h
    plain<Sigmoid>("Sigmoid"),
    plain<LogSigmoid>("LogSigmoid"),
    plain<Tanh>("Tanh"),
    plain<ReLU>("ReLU"),
    plain<ReLU6>("ReLU6"),
    plain<SELU>("SELU"),
    plain<SiLU>("SiLU"),
    plain<Mish>("Mish"),
    plain<Softsign>("Softsign"),
    plain<Hardsigmoid>("Hardsigmoid"),
    plain<Hardswish>("Hardswish"),
    row("LeakyReLU", "negative_slope=0.01", [](A a) { return made<LeakyReLU>(a.number(0)); }),
    row("ELU", "alpha=1.0", [](A a) { return made<ELU>(a.number(0)); }),
    row("CELU", "alpha=1.0", [](A a) { return made<CELU>(a.number(0)); }),
    row("GELU", "approximate='none'", [](A a) { return made<GELU>(approximation(a, 0)); }),
    row("Softplus", "beta=1.0, threshold=20.0", [](A a) { return made<Softplus>(a.number(0), a.number(1)); }),
    row("Hardtanh", "min_val=-1.0, max_val=1.0", [](A a) { return made<Hardtanh>(a.number(0), a.number(1)); }),
    row("Threshold", "threshold, value", [](A a) { return made<Threshold>(a.number(0), a.number(1)); }),
    row("PReLU", "num_parameters=1, init=0.25", [](A a) { return made<PReLU>(a.integer(0), a.number(1)); }),
    row("Softmax", "dim=-1", [](A a) { return made<Softmax>(a.integer(0)); }),
    row("LogSoftmax", "dim=-1", [](A a) { return made<LogSoftmax>(a.integer(0)); }),
    // shape.h
    plain<Identity>("Identity"),
    row("Flatten", "start_dim=1, end_dim=-1", [](A a) { return made<Flatten>(a.integer(0), a.integer(1)); }),
    row("Unflatten", "dim, unflattened_size", [](A a) { return made<Unflatten>(a.integer(0), a.shape(1)); }),
    row("Upsample", "size=None, scale_factor=None, mode='nearest', align_corners=False", [](A a) { return made<Upsample>(Upsample::Options{.size = a.optional_size2(0), .scale_factor = factors(a, 1), .mode = interpolation(a, 2), .align_corners = a.flag(3)}); }),
    row("PixelShuffle", "upscale_factor", [](A a) { return made<PixelShuffle>(a.integer(0)); }),
    row("PixelUnshuffle", "downscale_factor", [](A a) { return made<PixelUnshuffle>(a.integer(0)); }),
    // loss.h
    row("MSELoss", "reduction='mean'", [](A a) { return made<MSELoss>(a.reduction(0)); }),
    row("L1Loss", "reduction='mean'", [](A a) { return made<L1Loss>(a.reduction(0)); }),
    row("SmoothL1Loss", "reduction='mean', beta=1.0", [](A a) { return made<SmoothL1Loss>(a.reduction(0), a.number(1)); }),
    row("HuberLoss", "reduction='mean', delta=1.0", [](A a) { return made<HuberLoss>(a.reduction(0), a.number(1)); }),
    row("HingeEmbeddingLoss", "margin=1.0, reduction='mean'", [](A a) { return made<HingeEmbeddingLoss>(a.number(0), a.reduction(1)); }),
    row("KLDivLoss", "reduction='mean', log_target=False", [](A a) { const bool batch = a.mode(0) == "batchmean"; return made<KLDivLoss>(KLDivLoss::Options{ .reduction = batch ? Reduction::mean : a.reduction(0), .log_target = a.flag(1), .batchmean = batch}); }),
    plain<SumSquaredError>("SumSquaredError"),
    plain<CrossEntropyError>("CrossEntropyError"),
    row("CosineSimilarity", "dim=1, eps=1e-8", [](A a) { return made<CosineSimilarity>(a.integer(0), a.number(1)); }),
    row("CrossEntropyLoss", "weight=None, ignore_index=-100, reduction='mean', label_smoothing=0.0", [](A a) { return made<CrossEntropyLoss>(CrossEntropyLoss::Options{a.optional_tensor(0), a.integer(1), a.reduction(2), a.number(3)}); }),
    row("NLLLoss", "weight=None, ignore_index=-100, reduction='mean'", [](A a) { return made<NLLLoss>(NLLLoss::Options{a.optional_tensor(0), a.integer(1), a.reduction(2)}); }),
    row("BCELoss", "weight=None, reduction='mean'", [](A a) { return made<BCELoss>(BCELoss::Options{a.optional_tensor(0), a.reduction(1)}); }),
    row("BCEWithLogitsLoss", "weight=None, reduction='mean', pos_weight=None", [](A a) { return made<BCEWithLogitsLoss>(BCEWithLogitsLoss::Options{a.optional_tensor(0), a.reduction(1), a.optional_tensor(2)}); }),
    row("TripletMarginLoss", "margin=1.0, p=2.0, eps=1e-6, swap=False, reduction='mean'", [](A a) { return made<TripletMarginLoss>(TripletMarginLoss::Options{a.number(0), a.number(1), a.number(2), a.flag(3), a.reduction(4)}); }),
  };
  return list;
}
// clang-format on

}  // namespace

std::span<const LayerInfo> layers() { return rows(); }

}  // namespace chainrule
