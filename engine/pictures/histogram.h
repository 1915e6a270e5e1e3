// Histograms side by side, such as the activations or the gradients of each layer of a network.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace chainrule {

/// How often numbers fall where: one plot.
struct Histogram {
  std::string label;             ///< above it: "conv1"
  std::vector<double> values{};  ///< those that are not finite are counted in a line of their own
};

/// The plots in rows of four, each over the range of its own numbers in `bins` bars of equal width; under each the mean
/// and the standard deviation. The same bytes for the same numbers under every locale. Any text is safe; a dark page
/// gets a dark picture.
/// @throws ValueError without a plot, and for bins outside 1 ... 200.
std::string histograms_svg(const std::string& title, const std::vector<Histogram>& plots, int bins = 40);

/// Writes histograms_svg(title, plots, bins) to `path` as a whole or not at all.
/// @throws EnvironmentError with the path when the system refuses.
void write_histograms(const std::string& path, const std::string& title, const std::vector<Histogram>& plots,
                      int bins = 40);

/// How many values fall into each of `bins` parts of [low, high]; the highest value belongs to the last.
std::vector<std::int64_t> count_in_bins(const std::vector<double>& values, double low, double high, int bins);

}  // namespace chainrule
