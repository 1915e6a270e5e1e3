// Inner header: for our own sources, not installed.
// The look of diagrams: colours, fonts, and the Graphviz attributes of each kind of node and edge. Kinds differ in
// shape and outline, so that they are told apart without colour. Nothing is decided here from a graph.
#pragma once

#include <array>
#include <string_view>

#include "engine/draw/dot_writer.h"

namespace chainrule::style {

// Liberation Sans, Arial and Helvetica share their widths: boxes fit the text wherever the SVG is opened.
inline constexpr std::string_view kFont = "Helvetica,Arial,Liberation Sans,sans-serif";
inline constexpr std::string_view kFontSize = "13";
inline constexpr int kTextSize = 13, kTitleSize = 17, kSubtitleSize = 11, kTitleGap = 6, kShapeSize = 11,
                     kEdgeSize = 12, kGridSize = 12;

struct Palette {
  std::string_view background, text, muted, line;
  std::string_view value, gradient;  // what flows forward, what flows back
  std::string_view warning;          // a gradient that is zero, huge or not finite
  std::string_view leaf_fill, leaf_line;
  std::string_view constant_fill, constant_line;
  std::string_view op_fill, op_line;
  std::string_view result_fill, result_line;
  std::string_view cluster_fill, cluster_line;
  std::array<std::string_view, 3> heat;  // little, more, much; text stays readable on each
  std::string_view alarm;
};

inline constexpr Palette kLight = {.background = "#ffffff",
                                   .text = "#14181f",
                                   .muted = "#6b7280",
                                   .line = "#8a93a3",
                                   .value = "#1d4ea8",
                                   .gradient = "#b3201c",
                                   .warning = "#c2410c",
                                   .leaf_fill = "#eaf2ff",
                                   .leaf_line = "#2f6fd0",
                                   .constant_fill = "#f3f4f6",
                                   .constant_line = "#9aa1ad",
                                   .op_fill = "#f8f9fb",
                                   .op_line = "#4b5563",
                                   .result_fill = "#fff4e0",
                                   .result_line = "#c77d0a",
                                   .cluster_fill = "#f7f8fb",
                                   .cluster_line = "#c9d0dc",
                                   .heat = {"#e3eef9", "#c3dcf1", "#9ecae8"},
                                   .alarm = "#fee0c2"};

// The same hues on a dark page.
inline constexpr Palette kDark = {.background = "#14181f",
                                  .text = "#eef1f6",
                                  .muted = "#9aa3b2",
                                  .line = "#7d8798",
                                  .value = "#8ab4ff",
                                  .gradient = "#ff8a80",
                                  .warning = "#ffb066",
                                  .leaf_fill = "#1b2a44",
                                  .leaf_line = "#5b95ea",
                                  .constant_fill = "#232831",
                                  .constant_line = "#7d8798",
                                  .op_fill = "#232831",
                                  .op_line = "#a9b2c0",
                                  .result_fill = "#3a2a10",
                                  .result_line = "#e0a040",
                                  .cluster_fill = "#1a1f28",
                                  .cluster_line = "#3b4454",
                                  .heat = {"#1b3a57", "#235680", "#2b6ea6"},
                                  .alarm = "#5c3310"};

// What a page that shows one step after the other tells apart in a picture: grey parts of a value and of a gradient.
// To the eye the same as `muted` and `line` of the light palette.
struct Layer {
  std::string_view muted, line;
};
inline constexpr Layer kValueLayer = {.muted = "#6b7281", .line = "#8a93a4"};
inline constexpr Layer kGradientLayer = {.muted = "#6b7282", .line = "#8a93a5"};

// Colours are set beside these, from the palette.
inline constexpr std::array<DotSetting, 9> kGraph = {{{"labelloc", "t"},
                                                      {"rankdir", "LR"},
                                                      {"fontname", kFont},
                                                      {"fontsize", kFontSize},
                                                      {"pad", "0.3"},
                                                      {"nodesep", "0.22"},
                                                      {"ranksep", "0.32"},
                                                      {"ordering", "in"},  // operands from top to bottom as written
                                                      {"splines", "true"}}};
// From top to bottom: for networks, whose labels would make a row of them too wide.
inline constexpr std::array<DotSetting, 3> kDownward = {{{"rankdir", "TB"}, {"nodesep", "0.3"}, {"ranksep", "0.2"}}};
// For a graph too big for edge labels: bounds on the layout's search; with very many edges, straight ones.
inline constexpr std::array<DotSetting, 5> kBigGraph = {
    {{"rankdir", "TB"}, {"nslimit", "1"}, {"nslimit1", "1"}, {"mclimit", "0.5"}, {"ranksep", "0.5"}}};
inline constexpr std::array<DotSetting, 1> kStraight = {{{"splines", "line"}}};

inline constexpr std::array<DotSetting, 4> kNodes = {
    {{"fontname", kFont}, {"fontsize", kFontSize}, {"penwidth", "1.3"}, {"style", "rounded,filled"}}};
inline constexpr std::array<DotSetting, 5> kEdges = {
    {{"fontname", kFont}, {"fontsize", "12"}, {"penwidth", "1"}, {"arrowsize", "0.7"}, {"arrowhead", "normal"}}};

// Values. A thick outline is learned; a broken one takes no gradient; a double one is the result.
inline constexpr std::array<DotSetting, 3> kInput = {{{"shape", "box"}, {"margin", "0.14,0.07"}, {"height", "0.4"}}};
inline constexpr std::array<DotSetting, 4> kParameter = {
    {{"shape", "box"}, {"margin", "0.14,0.07"}, {"height", "0.4"}, {"penwidth", "2.6"}}};
inline constexpr std::array<DotSetting, 4> kConstant = {
    {{"shape", "box"}, {"margin", "0.14,0.07"}, {"height", "0.4"}, {"style", "rounded,filled,dashed"}}};
inline constexpr std::array<DotSetting, 5> kFrozen = {{{"shape", "box"},
                                                       {"margin", "0.14,0.07"},
                                                       {"height", "0.4"},
                                                       {"style", "rounded,filled,dashed"},
                                                       {"penwidth", "2.6"}}};
inline constexpr std::array<DotSetting, 4> kDetached = {
    {{"shape", "box"}, {"margin", "0.14,0.07"}, {"height", "0.4"}, {"style", "rounded,filled,dotted"}}};
inline constexpr std::array<DotSetting, 4> kResult = {
    {{"shape", "box"}, {"margin", "0.14,0.07"}, {"height", "0.4"}, {"peripheries", "2"}}};

// Operations: a circle for a symbol of one or two characters, a box for a name, a stack of boxes for what is folded.
inline constexpr std::array<DotSetting, 5> kSymbol = {
    {{"shape", "circle"}, {"style", "filled"}, {"fixedsize", "true"}, {"width", "0.5"}, {"fontsize", "19"}}};
inline constexpr std::array<DotSetting, 3> kNamedOp = {{{"shape", "box"}, {"margin", "0.16,0.06"}, {"height", "0.4"}}};
inline constexpr std::array<DotSetting, 4> kFolded = {
    {{"shape", "box3d"}, {"style", "filled"}, {"margin", "0.18,0.09"}, {"height", "0.5"}}};

inline constexpr std::array<DotSetting, 3> kCluster = {
    {{"style", "rounded,filled"}, {"labeljust", "l"}, {"margin", "12"}}};

// What a step is about.
inline constexpr std::string_view kCurrentNode = "4", kCurrentEdge = "3";

// An edge label is a small node on the line. Across the page the value stands above a rule and the gradient below, and
// the rule, in the colour and width of the edges, is the arrow's middle part; down the page the label interrupts the
// arrow. It belongs into the innermost cluster that holds both ends. Give all labels with rules one width: beside a
// wider one, Graphviz leaves a point between the arrow and the rule.
inline constexpr std::array<DotSetting, 2> kOnEdge = {{{"shape", "plain"}, {"style", "solid"}}};
inline constexpr std::array<DotSetting, 3> kToLabel = {
    {{"arrowhead", "none"}, {"tailport", "e"}, {"headport", "rule:w"}}};  // HtmlLabel::kRulePort
inline constexpr std::array<DotSetting, 1> kFromLabel = {{{"tailport", "rule:e"}}};
inline constexpr std::array<DotSetting, 3> kDownToLabel = {
    {{"arrowhead", "none"}, {"tailport", "s"}, {"headport", "n"}}};
inline constexpr std::array<DotSetting, 1> kDownFromLabel = {{{"tailport", "s"}}};

/// About how many points wide the text is, by Helvetica's widths; rather more than less.
constexpr int text_points(std::string_view text, int font_size) {
  int thousandths = 0;
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xC0) == 0x80) continue;  // inside a character
    const bool narrow = c == ' ' || c == '.' || c == ',' || c == '(' || c == ')' || c == '-' || c == 'l' || c == 'i';
    thousandths += narrow ? 340 : byte >= 0xE3 ? 1000 : byte >= 'A' && byte <= 'Z' ? 720 : byte == 0xC2 ? 340 : 570;
  }
  return thousandths * font_size / 1000;
}

/// Width of an edge label that holds something this wide, an even number: Graphviz gives nodes even widths, and a rule
/// one point shorter would leave a gap in the arrow.
constexpr int rule_width(int points) { return points + 10 + points % 2; }

}  // namespace chainrule::style
