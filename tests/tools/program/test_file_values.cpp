// Values from files and results into files, as users of the command meet them: @file, --inputs, --save, exit codes.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "engine/factory.h"
#include "engine/files/array_files.h"
#include "engine/system/process.h"
#include "tests/temporary_folder.h"
#include "tests/text.h"
#include "tests/tools/command.h"
#include "tools/program/file_values.h"

using namespace chainrule;
using namespace chainrule::testing;
using Folder = TemporaryFolder;

namespace {

const std::string kFiles = CHAINRULE_SOURCE_DIR "/tests/engine/files/";

void check_fails(const std::vector<std::string>& arguments, int code, const std::string& part) {
  const ProcessResult r = command(arguments);
  CHECK(r.exit_code == code);
  CHECK_MESSAGE(contains(r.err, part), r.err);
  CHECK(r.out.empty());
}

}  // namespace

TEST_CASE("@file: every format as a value, a tangent and a cotangent") {
  CHECK(json_of({"eval", "x", "x=@" + kFiles + "version2.npy"})["result"]["data"] == Json({0, 0.5, 1, 1.5, 2, 2.5}));
  CHECK(json_of({"eval", "x", "x=@" + kFiles + "packed.npz:scalar"})["result"]["data"] == Json({2.5}));
  CHECK(json_of({"eval", "x", "x=@" + kFiles + "model.safetensors:odd"})["result"]["data"] == Json({1, 2, 255}));
  CHECK(json_of({"eval", "x", "x=@" + kFiles + "table.csv"})["result"]["shape"] == Json({2, 3}));
  CHECK(json_of({"eval", "x", "x=@" + kFiles + "table.csv:番号"})["result"]["data"] == Json({-300.0, 4.0}));
  CHECK(json_of({"grad", "x ** 2", "x=@" + kFiles + "table.csv:番号", "--cotangent",
                 "@" + kFiles + "table.csv:price"})["gradients"]["x"]["data"] == Json({-900.0, 2.0}));
  CHECK(json_of({"jvp", "x ** 2", "x=@" + kFiles + "table.csv:番号", "--tangent",
                 "x=@" + kFiles + "table.csv:price"})["jvp"]["data"] == Json({-900.0, 2.0}));
  // An option takes one value, what follows it is the program's.
  CHECK(json_of({"jvp", "x ** 2", "--tangent", "x=[1,10]", "x=[1,2]"})["jvp"]["data"] == Json({2.0, 40.0}));
  const Json digits = json_of({"eval", "sum(x, dim=0)", "x=@digits:test_labels"});
  CHECK(digits["result"]["dtype"] == "int64");
  CHECK(json_of({"eval", "[count_nonzero(y >= 0), amax(x)]", "x=@digits:images",
                 "y=@digits:labels"})["result"]["data"] == Json({1797.0, 1.0}));
}

TEST_CASE("@file: floating arrays keep their dtype unless one is asked for; integers are no inputs of a gradient") {
  const std::string weight = "x=@" + kFiles + "model.safetensors:fc.weight";
  CHECK(json_of({"eval", "x", weight})["result"]["dtype"] == "float32");
  CHECK(json_of({"eval", "x", weight, "--dtype", "float64"})["result"]["dtype"] == "float64");
  const Json g = json_of({"grad", "sum(x * k)", "x=[1,2,3]", "k=@" + kFiles + "model.safetensors:odd"});
  CHECK(g["gradients"]["x"]["data"] == Json({1.0, 2.0, 255.0}));
  CHECK(g["gradients"].size() == 1);
}

TEST_CASE("--inputs: arrays that the program does not read are named") {
  const Folder folder;
  const std::string file = folder / "w.npz";
  std::vector<NamedTensor> arrays;
  for (const char* name : {"a", "b", "c", "d", "e", "f", "g", "pi"}) arrays.push_back({name, full({}, 2)});
  write_npz(file, arrays);
  const auto said = [&](const std::string& program) { return command({"eval", program, "--inputs", file}).err; };
  CHECK(said("a + b + c + d + e + f + g") ==
        "chainrule: --inputs " + file + ": pi is not used: the program does not read it\n");
  CHECK(said("a + b * pi + d + e + f") ==
        "chainrule: --inputs " + file + ": c, g are not used: the program does not read them\n");
  CHECK(contains(said("pi"), ": a, b, c, d, e and 2 more are not used: the program does not read them\n"));
  CHECK(said("a + b + c + d + e + f + g + pi").empty());
  CHECK(command({"eval", "a", "--inputs", file, "--quiet"}).err.empty());
  CHECK(json_of({"eval", "a", "--inputs", file})["result"]["data"] == Json({2}));
}

TEST_CASE("@mnist: by --data-dir or CHAINRULE_DATA, wherever a value stands") {
  const Folder folder;
  std::filesystem::create_directory(folder / "mnist");
  const std::string pixels = std::string(784, '\x33') + std::string(784, '\xFF');
  std::ofstream(folder / "mnist/t10k-images-idx3-ubyte", std::ios::binary)
      << std::string("\0\0\x08\x03\0\0\0\x02\0\0\0\x1C\0\0\0\x1C", 16) << pixels;
  std::ofstream(folder / "mnist/t10k-labels-idx1-ubyte", std::ios::binary)
      << std::string("\0\0\x08\x01\0\0\0\x02\x07\x02", 10);
  const std::string here = folder.path.string();
  const std::vector<std::string> options = {"--data-dir", here};
  const auto result = [&](std::vector<std::string> arguments, const char* key) {
    arguments.insert(arguments.end(), options.begin(), options.end());
    return json_of(arguments)[key];
  };
  const Json sums = result({"eval", "sum(x, dim=[1, 2, 3])", "x=@mnist:test_images"}, "result");
  CHECK(sums["dtype"] == "float32");
  CHECK(sums["data"][1] == 784);
  CHECK(sums["data"][0].get<double>() == doctest::Approx(784 * 0.2));
  CHECK(result({"eval", "x", "x=@mnist:test_labels"}, "result")["data"] == Json({7, 2}));
  CHECK(result({"eval", "x", "x=@mnist:test_images", "--dtype", "float64"}, "result")["dtype"] == "float64");
  CHECK(result({"grad", "x * x", "x=ones(2)", "--cotangent", "@mnist:test_labels"}, "gradients")["x"]["data"] ==
        Json({14.0, 4.0}));
  CHECK(result({"jvp", "x * x", "x=ones(2)", "--tangent", "x=@mnist:test_labels"}, "jvp")["data"] == Json({14.0, 4.0}));
  const auto with_environment = [&](const std::string& value) {
    return run_process(
        {"/usr/bin/env", "CHAINRULE_DATA=" + value, CHAINRULE_COMMAND, "eval", "sum(x)", "x=@mnist:test_labels"},
        {.time_limit = std::chrono::minutes(5)});
  };
  CHECK(with_environment(here).out == "9\n");
  CHECK(with_environment(here + "/mnist").out == "9\n");
  const ProcessResult nowhere = with_environment("");
  CHECK(nowhere.exit_code == 2);
  CHECK(contains(nowhere.err, "--data-dir FOLDER"));
  check_fails({"eval", "x", "x=@mnist:train_images", "--data-dir", here}, 2,
              "no train-images-idx3-ubyte.gz in '" + here);
  check_fails({"eval", "x", "x=@mnist:pictures", "--data-dir", here}, 2, "test_images");
  check_fails({"eval", "x", "x=@mnist", "--data-dir", here}, 2, "As in @mnist:images");
  check_fails({"eval", "x", "x=@mnist:images", "--data-dir", here + "/none"}, 2, "no folder '" + here + "/none'");
}

TEST_CASE("--inputs binds every array; --save holds the results under their names") {
  const Folder folder;
  const std::string in = folder / "in.npz", out = folder / "out.npz";
  write_npz(in, {{"x", tensor({1, 2}, {.dtype = DType::float64})}, {"w", tensor(3, {.dtype = DType::float64})}});
  const Json g = json_of({"grad", "y = x * x; sum(y) * w + v", "v=1", "unused=2", "--inputs", in, "--save", out});
  CHECK(g["gradients"]["x"]["data"] == Json({6.0, 12.0}));
  CHECK(g["gradients"]["w"]["data"] == Json({5.0}));
  const auto saved = read_arrays(out);
  REQUIRE(saved.size() == 4);  // nothing for what no path reaches
  CHECK(saved[0].name == "result");
  CHECK(saved[0].tensor.item() == 16);
  CHECK(saved[1].name == "grad.x");
  CHECK(saved[1].tensor.to_vector() == std::vector<double>{6, 12});
  CHECK(saved[2].name == "grad.w");
  CHECK(saved[3].name == "grad.v");

  json_of({"eval", "x < 2", "--inputs", in, "--save", out});
  CHECK(read_array(out, "result").dtype() == DType::boolean);
  json_of({"jacobian", "x * w", "--inputs", in, "--save", out});
  CHECK(read_array(out, "jacobian.w").to_vector() == std::vector<double>{1, 2});
  json_of({"hessian", "sum(x * x) * w", "--inputs", in, "--save", out});
  CHECK(read_array(out, "hessian.x.w").to_vector() == std::vector<double>{2, 4});
  json_of({"jvp", "x * w", "--inputs", in, "--tangent", "w=1", "--save", out});
  CHECK(read_array(out, "jvp").to_vector() == std::vector<double>{1, 2});
  CHECK(folder.entries() == 2);

  CHECK(json_of({"check", "sum(x * w)", "--inputs", in})["ok"] == true);
  CHECK(json_of({"eval", "sum(price)", "--inputs", kFiles + "table.csv", "--quiet"})["result"]["data"] == Json({1.75}));
  const ProcessResult some = command({"eval", "odd", "--inputs", kFiles + "model.safetensors"});
  CHECK(some.exit_code == 0);
  CHECK(some.out == "[  1,   2, 255]\n");
  CHECK(contains(some.err, "'fc.weight' cannot be a name"));
}

TEST_CASE("files: exit codes, one sentence, nothing half written") {
  const Folder folder;
  check_fails({"eval", "x", "x=@" + folder / "none.npy"}, 2, "No such file");
  check_fails({"eval", "x", "x=@" + folder / "none.txt"}, 2, "must end in .npy");
  check_fails({"eval", "x", "x=@nowhere:images"}, 2, "no data set 'nowhere'; there are digits, mnist");
  check_fails({"eval", "x", "x=@digits:pictures"}, 2, "train_images");
  check_fails({"eval", "x", "x=@" + kFiles + "objects.npy"}, 2, "Python objects");
  check_fails({"eval", "x", "x=@" + kFiles + "packed.npz"}, 2, "packed.npz:long");
  check_fails({"eval", "x", "x=1", "--inputs", folder / "none.npz"}, 2, "No such file");
  write_npz(folder / "x.npz", {{"x", ones({2})}});
  check_fails({"eval", "x", "x=1", "--inputs", folder / "x.npz"}, 2, "x is given twice");
  write_npz(folder / "dots.npz", {{"a.b", ones({2})}});
  check_fails({"eval", "1", "--inputs", folder / "dots.npz"}, 2, "'a.b' cannot be a name");
  const Json error = json_of({"eval", "x", "x=@" + folder / "none.npy"}, 2);
  CHECK(error["error"]["kind"] == "value");
  CHECK(error["error"]["line"].is_null());

  check_fails({"eval", "x", "x=1", "--save", "/dev/full"}, 4, "No space left");
  check_fails({"eval", "x", "x=1", "--save", folder / "no/out.npz"}, 4, "create the folder");
  // Said before the work: this program would not come to an end.
  check_fails({"eval", "sum(arange(1000000000000.0))", "--save", folder / "no/out.npz"}, 4, "create the folder");
  check_fails({"eval", "x", "x=1", "--save", folder.path.string() + "/."}, 2, "must end in .npz");
  std::filesystem::create_directory(folder / "folder.npz");
  check_fails({"eval", "x", "x=1", "--save", folder / "folder.npz"}, 4, "it is a folder");
  check_fails({"eval", "x", "x=@" + folder / "folder.npz"}, 2, "it is a folder");
  check_fails({"eval", "x", "--inputs", folder / "folder.npz"}, 2, "it is a folder");
  check_fails({"eval", "@" + folder / "folder.npz"}, 2, "it is a folder");
  check_fails({"eval", "@"}, 2, "the name of a graph file");
  std::filesystem::remove(folder / "folder.npz");
  check_fails({"eval", "x", "x=1", "--save", folder / "out.json"}, 2, "must end in .npz");
  check_fails({"eval", "x +", "x=1", "--save", folder / "out.npz"}, 2, "");
  CHECK(folder.entries() == 2);
  CHECK(read_array(folder / "x.npz").numel() == 2);
}

TEST_CASE("@file: a colon parts path and name behind the first known ending") {
  CHECK(array_place("w.npz").path == "w.npz");
  CHECK(!array_place("w.npz").name);
  CHECK(array_place("a:b/w.npz:x:y").path == "a:b/w.npz");
  CHECK(array_place("a:b/w.npz:x:y").name == "x:y");
  CHECK(array_place("W.NPZ:").name == "");
  CHECK(array_place("w.txt:x").path == "w.txt:x");
  check_fails({"eval", "x", "x=@w.txt:x.y"}, 2, ".safetensors");
}
