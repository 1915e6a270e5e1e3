// The data sets of the library by name, as the command line writes them: @digits:images, @mnist:test_labels.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/tensor.h"

namespace chainrule {

/// The data sets that data_array() knows: digits and mnist.
std::vector<std::string> data_set_names();
/// The names of the arrays that each of them has: images and labels (the training ones first), train_images ...
std::vector<std::string> data_array_names();
/// One array of a data set by their names, "mnist" and "test_labels"; nothing is read that is not needed for it.
/// `folder` is for sets that are not in the library, as load_mnist() takes it. Throws ValueError for unknown names.
Tensor data_array(std::string_view set, std::string_view array, const std::string& folder = {});

}  // namespace chainrule
