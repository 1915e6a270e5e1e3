// Recursive descent over the bytes; each kind of text is decoded by the passes that Graphviz makes over it.
// Deliberately shares no code with the writer or with engine/system/text.h.
#include "tests/engine/draw/dot_reader.h"

#include <cctype>
#include <set>
#include <utility>

namespace chainrule::testing {
namespace {

[[noreturn]] void fail(const std::string& what, std::size_t at) {
  throw std::runtime_error("DOT: " + what + " at byte " + std::to_string(at));
}

void check_text(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    if ((lead < 0x20 && lead != '\n') || lead == 0x7F) fail("control character", i);
    const std::size_t more = lead < 0x80 ? 0 : lead >= 0xC2 && lead < 0xE0 ? 1 : (lead & 0xF0) == 0xE0 ? 2 : 3;
    if ((lead >= 0x80 && lead < 0xC2) || lead > 0xF4 || i + more >= text.size()) fail("invalid UTF-8", i);
    unsigned long value = lead & (more == 0 ? 0x7Fu : 0x3Fu >> more);
    for (std::size_t k = 1; k <= more; ++k) {
      const auto next = static_cast<unsigned char>(text[i + k]);
      if ((next & 0xC0) != 0x80) fail("invalid UTF-8", i);
      value = value << 6 | (next & 0x3Fu);
    }
    static constexpr unsigned long kLeast[] = {0, 0x80, 0x800, 0x10000};
    if (value < kLeast[more] || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) fail("invalid UTF-8", i);
    i += 1 + more;
  }
}

std::string decode_entities(std::string_view text) {
  static const std::pair<std::string_view, char> kEntities[] = {
      {"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}};
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] != '&') {
      out += text[i++];
      continue;
    }
    bool known = false;
    for (auto [entity, character] : kEntities) {
      if (text.substr(i, entity.size()) != entity) continue;
      out += character;
      i += entity.size();
      known = true;
      break;
    }
    if (!known) fail("a bare ampersand in \"" + std::string(text.substr(i, 12)) + '"', i);
  }
  return out;
}

// One pass of escape codes: `\\` is a backslash, `\n` a newline; names like `\N` never come from the library.
std::string decode_escapes(std::string_view text, bool keep_newline_code) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      out += text[i];
      continue;
    }
    const char code = i + 1 < text.size() ? text[++i] : '\0';
    if (code == '\\') {
      out += '\\';
    } else if (code == 'n') {
      out += keep_newline_code ? "\\n" : "\n";
    } else {
      fail(std::string("escape code \\") + code, i);
    }
  }
  return out;
}

// The text of HTML-like markup, and that its tags nest.
class HtmlText {
 public:
  explicit HtmlText(std::string_view markup) : markup_(markup) {}

  std::string read() {
    std::size_t at = 0;
    while (at < markup_.size()) {
      const std::size_t next = markup_.find('<', at);
      add_text(markup_.substr(at, next == std::string_view::npos ? next : next - at));
      if (next == std::string_view::npos) break;
      const std::size_t close = markup_.find('>', next);
      if (close == std::string_view::npos) fail("a tag without end", next);
      tag(markup_.substr(next + 1, close - next - 1));
      at = close + 1;
    }
    if (!open_.empty()) fail("<" + open_.back() + "> not closed", markup_.size());
    return out_;
  }

 private:
  void add_text(std::string_view text) {
    if (text.empty()) return;
    for (std::size_t i = 0; i + 1 < text.size(); ++i) {
      if (text[i] == '\\' && std::string_view("NGETHL").find(text[i + 1]) != std::string_view::npos) {
        fail("a name code in a label", i);  // Graphviz would put a name in its place
      }
    }
    if (text.find('>') != std::string_view::npos) fail("a bare >", 0);
    if (tables_ > 0 && !in_cell_) fail("text between cells", 0);
    out_ += decode_entities(text);
  }

  void tag(std::string_view tag) {
    const bool closing = tag.starts_with('/');
    if (closing) tag.remove_prefix(1);
    const bool alone = tag.ends_with('/');
    if (alone) tag.remove_suffix(1);
    const std::string name(tag.substr(0, tag.find(' ')));
    static const std::set<std::string> kKnown = {"TABLE", "TR", "TD", "FONT", "B", "HR", "BR"};
    if (!kKnown.contains(name)) fail("tag <" + name + '>', 0);
    if (alone) return;
    if (!closing) {
      open_.push_back(name);
      if (name == "TABLE") ++tables_, in_cell_ = false;
      if (name == "TR" && !out_.empty() && out_.back() != '\n') out_ += '\n';
      if (name == "TD") {
        in_cell_ = true;
        if (tag.find("COLSPAN") != std::string_view::npos) return;  // a margin, which holds nothing
        if (first_cell_of(tables_))
          cells_[tables_] = 1;
        else
          out_ += '\t';
      }
      if (name == "TR") cells_[tables_] = 0;
      return;
    }
    if (open_.empty() || open_.back() != name) fail("</" + name + "> out of place", 0);
    open_.pop_back();
    if (name == "TABLE") --tables_, in_cell_ = tables_ > 0;
    if (name == "TD") in_cell_ = false;
  }
  bool first_cell_of(int table) { return cells_[table] == 0; }

  std::string_view markup_;
  std::vector<std::string> open_;
  std::map<int, int> cells_;
  std::string out_;
  int tables_ = 0;
  bool in_cell_ = false;
};

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  DotGraph read() {
    check_text(text_);
    expect_word("digraph");
    graph_.id = id();
    body(-1);
    skip_space();
    if (at_ != text_.size()) fail("text after the graph", at_);
    for (const DotEdge& edge : graph_.edges) {
      if (!index_.contains(edge.from) || !index_.contains(edge.to)) fail("an edge to a node never stated", at_);
    }
    return std::move(graph_);
  }

 private:
  void skip_space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
  }
  bool take(std::string_view token) {
    skip_space();
    if (text_.substr(at_, token.size()) != token) return false;
    at_ += token.size();
    return true;
  }
  void expect(std::string_view token) {
    if (!take(token)) fail("expected " + std::string(token), at_);
  }
  std::string word() {
    skip_space();
    const std::size_t start = at_;
    while (at_ < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[at_])) || text_[at_] == '_')) ++at_;
    if (start == at_) fail("expected a word", at_);
    return std::string(text_.substr(start, at_ - start));
  }
  void expect_word(const std::string& wanted) {
    if (word() != wanted) fail("expected " + wanted, at_);
  }

  // What Graphviz's scanner hands on: pieces joined, \" resolved, every other backslash still there.
  std::string quoted() {
    std::string out;
    do {
      expect("\"");
      std::size_t piece = 0;
      for (;; ++piece) {
        if (at_ >= text_.size()) fail("a string without end", at_);
        const char c = text_[at_++];
        if (c == '"') break;
        if (c == '\n') fail("a newline in a string", at_);
        if (c != '\\') {
          out += c;
          continue;
        }
        const char next = at_ < text_.size() ? text_[at_++] : '\0';
        if (next == '"') {
          out += '"';
        } else {
          (out += '\\') += next;
          ++piece;
        }
      }
      if (piece > 16000) fail("a piece of more than 16 KiB", at_);
    } while (take("+"));
    return out;
  }

  std::string id() { return decode_escapes(quoted(), false); }

  std::string html() {
    expect("<");
    const std::size_t start = at_;
    for (std::size_t depth = 1, run = 0; depth > 0; ++at_) {
      if (at_ >= text_.size()) fail("markup without end", at_);
      const bool bracket = text_[at_] == '<' || text_[at_] == '>';
      run = bracket ? 0 : run + 1;
      if (run > 16000) fail("a piece of more than 16 KiB", at_);
      if (bracket) text_[at_] == '<' ? ++depth : --depth;
    }
    return HtmlText(text_.substr(start, at_ - start - 1)).read();
  }

  DotValue value(const std::string& name) {
    skip_space();
    if (at_ < text_.size() && text_[at_] == '<') return {html(), true};
    std::string text = quoted();
    if (name.ends_with("tooltip")) text = decode_escapes(text, true);  // Graphviz resolves the codes of these twice
    return {decode_entities(decode_escapes(text, false)), false};
  }

  void attributes(DotValues& into) {
    expect("[");
    if (take("]")) return;
    do {
      const std::string name = word();
      expect("=");
      if (!into.emplace(name, value(name)).second) fail("attribute " + name + " set twice", at_);
    } while (take(","));
    expect("]");
  }

  void body(int cluster) {
    expect("{");
    while (!take("}")) {
      skip_space();
      if (at_ < text_.size() && text_[at_] == '"') {
        node_or_edge(cluster);
      } else {
        keyword(word(), cluster);
      }
    }
  }

  void keyword(const std::string& name, int cluster) {
    if (name == "subgraph") {
      graph_.clusters.push_back({id(), {}, cluster});
      if (!graph_.clusters.back().id.starts_with("cluster_")) fail("a subgraph that is no cluster", at_);
      body(static_cast<int>(graph_.clusters.size()) - 1);
      return;
    }
    DotValues& own = cluster < 0 ? graph_.attributes : graph_.clusters[static_cast<std::size_t>(cluster)].attributes;
    if (name == "graph") {
      attributes(own);
    } else if (name == "node") {
      attributes(graph_.node_defaults);
    } else if (name == "edge") {
      attributes(graph_.edge_defaults);
    } else {
      expect("=");
      own[name] = value(name);
    }
    expect(";");
  }

  void node_or_edge(int cluster) {
    const std::string first = id();
    if (take("->")) {
      DotEdge edge{first, id(), {}};
      attributes(edge.attributes);
      graph_.edges.push_back(std::move(edge));
    } else {
      DotNode node{first, {}, cluster};
      attributes(node.attributes);
      if (!index_.insert(first).second) fail("node " + first + " stated twice", at_);
      graph_.nodes.push_back(std::move(node));
    }
    expect(";");
  }

  std::string_view text_;
  std::size_t at_ = 0;
  DotGraph graph_;
  std::set<std::string> index_;
};

}  // namespace

const DotNode* DotGraph::find(std::string_view node_id) const {
  for (const DotNode& node : nodes) {
    if (node.id == node_id) return &node;
  }
  return nullptr;
}

DotGraph read_dot(std::string_view text) { return Reader(text).read(); }

std::vector<std::string> filled_cells(std::string_view label) {
  std::vector<std::string> cells;
  while (!label.empty()) {
    const auto end = label.find_first_of("\t\n");
    if (end != 0) cells.emplace_back(label.substr(0, end));
    label = end == std::string_view::npos ? std::string_view() : label.substr(end + 1);
  }
  return cells;
}

}  // namespace chainrule::testing
