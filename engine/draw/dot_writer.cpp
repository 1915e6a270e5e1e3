// The DOT text itself. Graphviz reads a quoted string in up to three passes (scanner, escape codes, HTML entities);
// append_quoted undoes each in advance. Deliberately no buffering of statements: a big graph streams.
#include "engine/draw/dot_writer.h"

#include <algorithm>

#include "engine/system/text.h"

namespace chainrule {
namespace {

enum class Reading {
  id,       // the scanner alone, which knows \" only; \\ stays two characters but keeps a last one from the quote
  text,     // escape codes, then entities
  tooltip,  // escape codes twice, then entities
};

void append_escaped(std::string& out, std::string_view printable_text, Reading reading) {
  std::size_t piece = 0;
  for (char c : printable_text) {
    if (piece >= kMaxPiece && (static_cast<unsigned char>(c) & 0xC0) != 0x80) {
      out += "\"+\"";
      piece = 0;
    }
    ++piece;
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += reading == Reading::tooltip ? "\\\\\\\\" : "\\\\";
        break;
      case '&':
        out += reading == Reading::id ? "&" : "&amp;";
        break;
      default:
        out += c;
    }
  }
}

void append_quoted(std::string& out, std::string_view text, Reading reading) {
  constexpr auto is_plain = [](char c) { return c >= ' ' && c <= '~' && c != '"' && c != '\\' && c != '&'; };
  out += '"';
  if (text.size() < kMaxPiece && std::all_of(text.begin(), text.end(), is_plain)) {
    out += text;
  } else {
    append_escaped(out, printable(text), reading);
  }
  out += '"';
}

Reading reading_of(std::string_view attribute) {
  return attribute.ends_with("tooltip") ? Reading::tooltip : Reading::text;
}

}  // namespace

DotStatement::~DotStatement() { out_ += "];\n"; }

void DotStatement::begin_attribute(std::string_view name) {
  if (any_) out_ += ", ";
  any_ = true;
  out_ += name;
  out_ += '=';
}

DotStatement& DotStatement::set(std::string_view name, std::string_view text) {
  begin_attribute(name);
  append_quoted(out_, text, reading_of(name));
  return *this;
}

DotStatement& DotStatement::set(std::string_view name, const HtmlLabel& label) {
  begin_attribute(name);
  out_ += '<';
  out_ += label.markup();
  out_ += '>';
  return *this;
}

DotStatement& DotStatement::set(std::span<const DotSetting> settings) {
  for (const DotSetting& setting : settings) set(setting.name, setting.value);
  return *this;
}

DotStatement& DotStatement::set_lines(std::string_view name, std::string_view text) {
  begin_attribute(name);
  out_ += '"';
  for (;;) {
    const std::size_t end = text.find('\n');
    append_escaped(out_, printable(text.substr(0, end)), reading_of(name));
    if (end == std::string_view::npos) break;
    out_ += "\\n\"+\"";
    text.remove_prefix(end + 1);
  }
  out_ += '"';
  return *this;
}

// Starts a line, indented: people read these files.
std::string& DotWriter::line() { return out_.append(2 * std::min<std::size_t>(depth_, 20), ' '); }

DotStatement DotWriter::begin_graph(std::string_view id) {
  out_ += "digraph ";
  append_quoted(out_, id, Reading::id);
  out_ += " {\n";
  depth_ = 1;
  line() += "charset=\"UTF-8\";\n";
  line() += "graph";
  return DotStatement(out_);
}

DotStatement DotWriter::node_defaults() {
  line() += "node";
  return DotStatement(out_);
}

DotStatement DotWriter::edge_defaults() {
  line() += "edge";
  return DotStatement(out_);
}

DotStatement DotWriter::node(std::string_view id) {
  append_quoted(line(), id, Reading::id);
  return DotStatement(out_);
}

DotStatement DotWriter::edge(std::string_view from, std::string_view to) {
  append_quoted(line(), from, Reading::id);
  out_ += " -> ";
  append_quoted(out_, to, Reading::id);
  return DotStatement(out_);
}

DotStatement DotWriter::begin_cluster(std::string_view id) {
  line() += "subgraph ";
  append_quoted(out_, std::string("cluster_").append(id), Reading::id);
  out_ += " {\n";
  ++depth_;
  line() += "graph";
  return DotStatement(out_);
}

void DotWriter::end() {
  if (depth_ > 0) --depth_;
  line() += "}\n";
}

}  // namespace chainrule
