// Tables of numbers as text. Read twice: first to see that every cell is a number and how many there are, then into the
// tensor, so that a wrong file costs no memory. A column of numbers beside others that are none is read by its name.
// Deliberately not here: text columns, dates, guesses about missing cells.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <set>

#include "engine/files/array_files.h"
#include "engine/files/elements.h"
#include "engine/system/text.h"
#include "engine/types/error.h"

namespace chainrule {
namespace {

constexpr std::size_t kMostColumns = std::size_t{1} << 20;
constexpr std::size_t kLongestCell = std::size_t{1} << 16;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

struct Cell {
  std::string_view text;  // without quotes around it and spaces outside them; valid until the next cell
  bool quoted = false;
  bool last = false;  // of its row
  std::size_t line = 0;
};

/// Cells one after the other. A line ends in \n, \r\n or \r.
class Cells {
 public:
  Cells(std::string_view text, char separator, const std::string& who)
      : text_(text), separator_(separator), who_(who) {}

  bool at_end() const { return at_ == text_.size(); }
  bool only_empty_lines_follow() const { return text_.find_first_not_of("\r\n \t", at_) == std::string_view::npos; }

  Cell next() {
    Cell cell;
    cell.line = line_;
    skip_spaces();
    if (at_ < text_.size() && text_[at_] == '"') {
      cell.quoted = true;
      cell.text = quoted();
      skip_spaces();
      if (!at_end() && text_[at_] != separator_ && !is_line_end(text_[at_]))
        throw ValueError(fmt::format("{}: line {}: text follows a closing quote", who_, line_));
    } else {
      const std::size_t begin = at_;
      while (at_ < text_.size() && text_[at_] != separator_ && !is_line_end(text_[at_])) ++at_;
      std::size_t end = at_;
      while (end > begin && is_space(text_[end - 1])) --end;
      cell.text = text_.substr(begin, end - begin);
    }
    cell.last = at_end() || text_[at_] != separator_;
    if (!cell.last)
      ++at_;
    else
      pass_line_end();
    return cell;
  }

 private:
  static bool is_line_end(char c) { return c == '\n' || c == '\r'; }
  bool is_space(char c) const { return c == ' ' || (c == '\t' && separator_ != '\t'); }
  void skip_spaces() {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
  }
  void pass_line_end() {
    if (at_end()) return;
    if (text_[at_] == '\r' && at_ + 1 < text_.size() && text_[at_ + 1] == '\n') ++at_;
    ++at_;
    ++line_;
  }
  /// What stands between quotes; two quotes stand for one.
  std::string_view quoted() {
    const std::size_t began = line_, begin = ++at_;
    bool doubled = false;
    for (; at_ < text_.size(); ++at_) {
      if (text_[at_] == '\n' || (text_[at_] == '\r' && text_.substr(at_ + 1, 1) != "\n")) ++line_;
      if (text_[at_] != '"') continue;
      if (text_.substr(at_ + 1, 1) != "\"") break;
      doubled = true;
      ++at_;
    }
    if (at_end()) throw ValueError(fmt::format("{}: line {}: a quote is not closed", who_, began));
    const std::string_view inside = text_.substr(begin, at_++ - begin);
    if (!doubled) return inside;
    unquoted_.clear();
    for (std::size_t i = 0; i < inside.size(); ++i) {
      unquoted_ += inside[i];
      if (inside[i] == '"') ++i;
    }
    return unquoted_;
  }

  std::string_view text_;
  std::size_t at_ = 0, line_ = 1;
  char separator_;
  std::string unquoted_;
  const std::string& who_;
};

enum class Number { good, not_one, out_of_range };

/// As NumPy and pandas read numbers, a plus before one included.
Number number_of(std::string_view text, double& value) {
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  const LeadingNumber number = leading_number(text);
  value = number.value;
  if (number.length == 0 || number.length != text.size()) return Number::not_one;
  return number.out_of_range ? Number::out_of_range : Number::good;
}

/// True for a whole number above 2^53 that stands between two of float64: rounding it would go unseen.
bool loses_digits(std::string_view text, double value) {
  if (!(std::abs(value) >= 0x1p53) || text.find_first_not_of("+-0123456789") != std::string_view::npos) return false;
  const bool minus = text.starts_with('-');
  text.remove_prefix(text.starts_with('+') || minus ? 1 : 0);
  std::uint64_t whole = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), whole);
  return read.ec != std::errc() || std::abs(value) >= 0x1p64 || static_cast<std::uint64_t>(std::abs(value)) != whole;
}

char found_separator(std::string_view text) {
  bool in_quotes = false, semicolon = false;
  for (const char c : text) {
    if (c == '"') in_quotes = !in_quotes;
    if (in_quotes) continue;
    if (c == '\n' || c == '\r') break;
    if (c == '\t') return c;
    semicolon = semicolon || c == ';';
  }
  return semicolon ? ';' : ',';
}

class TableReader {
 public:
  TableReader(std::string_view text, std::string file, const CsvOptions& options)
      : text_(text), who_(std::move(file)), options_(options) {
    if (text_.starts_with(kByteOrderMark)) text_.remove_prefix(kByteOrderMark.size());
    if (text_.starts_with("\xFF\xFE") || text_.starts_with("\xFE\xFF")) refuse("it is UTF-16, not UTF-8 text");
    if (text_.find_first_not_of("\r\n \t") == std::string_view::npos) refuse("it is empty");
    separator_ = options.separator != 0 ? options.separator : found_separator(text_);
    read_header();
  }

  Table read() {
    const std::size_t rows = walk(nullptr);
    if (rows == 0) refuse("it has a header and no rows");
    const Shape shape{static_cast<std::int64_t>(rows), static_cast<std::int64_t>(only_ ? 1 : width_)};
    Table table{only_ ? std::vector{columns_[*only_]} : columns_, empty(shape, DType::float64)};
    walk(static_cast<double*>(table.values.impl().data));
    return table;
  }

 private:
  [[noreturn]] void refuse(const std::string& what) const { throw ValueError(who_ + ": " + what); }

  /// The first line tells how many columns there are, and what they are called if it holds names.
  void read_header() {
    Cells cells(text_, separator_, who_);
    std::vector<std::string> names;
    std::size_t numbers = 0;
    for (bool last = false; !last;) {
      const Cell cell = cells.next();
      last = cell.last;
      double ignored = 0;
      numbers += !cell.quoted && number_of(cell.text, ignored) == Number::good;
      if (names.size() == kMostColumns) refuse(fmt::format("its first line has more than {} cells", kMostColumns));
      if (cell.text.size() > kLongestCell) refuse(fmt::format("column {} of line 1 is too long", names.size() + 1));
      names.emplace_back(composed(std::string(cell.text)));
    }
    width_ = names.size();
    if (options_.only) {  // who knows a column by its name has seen a header
      const auto at = std::find(names.begin(), names.end(), *options_.only);
      if (at == names.end()) throw_no_array(who_, *options_.only, numbers == 0 ? names : std::vector<std::string>());
      only_ = static_cast<std::size_t>(at - names.begin());
    }
    has_header_ = only_ || options_.header == CsvOptions::Header::present ||
                  (options_.header == CsvOptions::Header::automatic && numbers == 0 && holds_names(names));
    if (!has_header_) return;
    std::set<std::string_view> known;
    for (const std::string& name : names)
      if (!known.insert(name).second) refuse(fmt::format("two columns are called '{}'", shown(name)));
    columns_ = std::move(names);
  }
  /// Not when all cells are empty: that is a row without numbers.
  static bool holds_names(const std::vector<std::string>& names) {
    return std::any_of(names.begin(), names.end(), [](const std::string& name) { return !name.empty(); });
  }

  /// Visits every number, writes it if there is a place; gives the number of rows.
  std::size_t walk(double* out) const {
    Cells cells(text_, separator_, who_);
    if (has_header_)
      while (!cells.next().last) {}
    std::size_t rows = 0;
    for (; !cells.only_empty_lines_follow(); ++rows) {
      std::size_t column = 0;
      for (bool last = false; !last; ++column) {
        const Cell cell = cells.next();
        last = cell.last;
        if (column == width_) refuse(fmt::format("line {} has more cells than the {} of line 1", cell.line, width_));
        if (last && column + 1 != width_)
          refuse(cell.text.empty() && column == 0
                     ? fmt::format("line {} is empty", cell.line)
                     : fmt::format("line {} has {} cells, line 1 has {}", cell.line, column + 1, width_));
        if (only_ && column != *only_) continue;
        const double value = number_in(cell, column);
        if (out) *out++ = value;
      }
    }
    return rows;
  }

  double number_in(const Cell& cell, std::size_t column) const {
    double value = 0;
    if (cell.text.size() <= kLongestCell) {
      const Number kind = number_of(cell.text, value);
      if (kind == Number::good && !loses_digits(cell.text, value)) return value;
      if (kind == Number::good)
        refuse(
            fmt::format("{}: {} is a whole number that float64 does not hold", place(cell, column), shown(cell.text)));
      if (kind == Number::out_of_range)
        refuse(fmt::format("{}: {} is outside the range of float64", place(cell, column), shown(cell.text)));
    }
    if (cell.text.empty()) refuse(place(cell, column) + ": the cell is empty");
    const bool comma = cell.text.find(',') != std::string_view::npos;
    refuse(fmt::format("{}: '{}' is not a number{}", place(cell, column), shown(cell.text),
                       comma                            ? "; decimals need a point"
                       : !has_header_ && cell.line == 1 ? "; to make the line a header, put its names into quotes"
                       : has_header_ && !only_          ? "; a column of numbers beside it is read by its name"
                                                        : ""));
  }
  std::string place(const Cell& cell, std::size_t column) const {
    return has_header_ ? fmt::format("line {}, column {} ('{}')", cell.line, column + 1, shown(columns_[column]))
                       : fmt::format("line {}, column {}", cell.line, column + 1);
  }
  static std::string shown(std::string_view text) { return shorten(printable(text.substr(0, 200)), 40); }

  std::string_view text_;
  std::string who_;
  CsvOptions options_;
  char separator_ = ',';
  bool has_header_ = false;
  std::size_t width_ = 0;
  std::optional<std::size_t> only_;  // the wanted column
  std::vector<std::string> columns_;
};

}  // namespace

Table parse_csv(std::string_view text, const std::string& file, const CsvOptions& options) {
  return TableReader(text, file_of("csv", file), options).read();
}

}  // namespace chainrule
