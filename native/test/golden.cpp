#include "test/golden.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <sstream>
#include <stdexcept>

#include "engine/random.h"

namespace thaw::test {
namespace {

constexpr std::uint32_t imageStream = 101, targetStream = 102, signStream = 103;

/** Words of a file that are separated by white space; a line that starts with # is passed over. */
class Reader {
 public:
  explicit Reader(const std::string& path) : path_(path) {
    std::ifstream file(path);
    if (!file) throw std::runtime_error("cannot read " + path);
    std::string line, text;
    while (std::getline(file, line))
      if (!line.starts_with('#')) text += line + '\n';
    words_.str(text);
  }

  template <typename T>
  T next() {
    T value;
    if (!(words_ >> value))
      throw std::runtime_error(path_ + " ends early or has a word where a number belongs");
    return value;
  }

  void expect(const std::string& word) {
    const std::string received = next<std::string>();
    if (received != word)
      throw std::runtime_error(path_ + ": expected \"" + word + "\" but received \"" + received + "\"");
  }

  /** `word`, a count, and as many numbers. */
  std::vector<double> numbers(const std::string& word) {
    expect(word);
    std::vector<double> values(next<std::size_t>());
    for (double& value : values) value = next<double>();
    return values;
  }

  /** `word`, a count, and as many lines of a place, a norm and four projections. */
  Sketches sketches(const std::string& word) {
    expect(word);
    Sketches result;
    for (std::size_t left = next<std::size_t>(); left > 0; left--) {
      Sketch& sketch = result[next<std::size_t>()];
      sketch.norm = next<double>();
      for (double& projection : sketch.projections) projection = next<double>();
    }
    return result;
  }

 private:
  std::string path_;
  std::istringstream words_;
};

void readHeader(Reader& file, Golden& golden) {
  file.expect("network");
  golden.network = file.next<std::string>();
  file.expect("seed");
  golden.seed = file.next<std::uint32_t>();
  file.expect("shape");
  golden.batch = file.next<std::size_t>();
  golden.input.channels = file.next<std::size_t>();
  golden.input.height = file.next<std::size_t>();
  golden.input.width = file.next<std::size_t>();
  golden.outputs = file.next<std::size_t>();
  file.expect("batches");
  golden.batches = file.next<std::size_t>();
  file.expect("sum");
  golden.pixelSum = file.next<double>();
  golden.unknown = file.next<std::size_t>();
  golden.positive = file.next<std::size_t>();
  file.expect("parameters");
  golden.parameters.resize(file.next<std::size_t>());
  for (Parameter& parameter : golden.parameters) {
    parameter.name = file.next<std::string>();
    parameter.shape.resize(file.next<std::size_t>());
    for (std::size_t& length : parameter.shape) length = file.next<std::size_t>();
  }
}

GoldenPass readPass(Reader& file) {
  GoldenPass pass;
  pass.logits = file.numbers("logits");
  pass.loss = file.numbers("loss").at(0);
  pass.gradients = file.sketches("gradients");
  pass.statistics = file.sketches("statistics");
  return pass;
}

GoldenTraining readTraining(Reader& file) {
  GoldenTraining training;
  training.mode = file.next<std::string>();
  training.optimizer = file.next<std::string>();
  training.decay = file.numbers("decay").at(0);
  training.rates = file.numbers("rates");
  training.momenta = file.numbers("momenta");
  training.losses = file.numbers("losses");
  training.final = file.sketches("final");
  return training;
}

/** Words i = 0, 1, … of (seed, stream, substream). */
class Words {
 public:
  Words(std::uint32_t seed, std::uint32_t stream, std::size_t substream)
      : seed_(seed), stream_(stream), substream_(static_cast<std::uint32_t>(substream)) {}

  std::uint32_t next() {
    const std::uint32_t lane = index_ & 3;
    if (lane == 0) block_ = philox({index_ / 4, 0, substream_, 0}, seed_, stream_);
    index_++;
    return block_[lane];
  }

  double uniform() { return next() / 4294967296.0; }

 private:
  std::uint32_t seed_, stream_, substream_, index_ = 0;
  PhiloxBlock block_ = {};
};

}  // namespace

Golden readGolden(const std::string& path) {
  Reader file(path);
  Golden golden;
  readHeader(file, golden);
  golden.initial = file.sketches("initial");
  for (std::string word = file.next<std::string>(); word != "end"; word = file.next<std::string>()) {
    if (word == "pass") {
      const std::string mode = file.next<std::string>();
      golden.passes[mode] = readPass(file);
    } else if (word == "train") {
      golden.trainings.push_back(readTraining(file));
    } else {
      throw std::runtime_error(path + ": expected \"pass\", \"train\" or \"end\" but received \"" + word +
                               "\"");
    }
  }
  return golden;
}

std::vector<float> goldenImages(const Golden& golden, std::size_t index) {
  Words words(golden.seed, imageStream, index);
  std::vector<float> pixels(golden.batch * golden.input.size());
  for (float& pixel : pixels) pixel = static_cast<float>(std::sqrt(3.0) * (2 * words.uniform() - 1));
  return pixels;
}

std::vector<float> goldenTargets(const Golden& golden, std::size_t index) {
  Words words(golden.seed, targetStream, index);
  std::vector<float> targets(golden.batch * golden.outputs);
  for (float& target : targets) {
    const double u = words.uniform();
    target = u < 0.15 ? std::numeric_limits<float>::quiet_NaN() : u < 0.5 ? 1.0f : 0.0f;
  }
  return targets;
}

Sketch sketchOf(std::span<const float> values, std::size_t place, std::uint32_t seed) {
  Words words(seed, signStream, place);
  Sketch sketch;
  for (const double value : values) {
    const std::uint32_t word = words.next();
    sketch.norm += value * value;
    for (std::size_t j = 0; j < sketch.projections.size(); j++)
      sketch.projections[j] += (word >> (31 - j)) & 1 ? -value : value;
  }
  sketch.norm = std::sqrt(sketch.norm);
  return sketch;
}

double distance(const Sketch& received, const Sketch& expected) {
  double largest = std::abs(received.norm - expected.norm);
  for (std::size_t j = 0; j < expected.projections.size(); j++)
    largest = std::max(largest, std::abs(received.projections[j] - expected.projections[j]));
  return largest / expected.norm;
}

}  // namespace thaw::test
