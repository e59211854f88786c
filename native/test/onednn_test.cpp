#include <dnnl.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include "engine/error.h"
#include "engine/network.h"
#include "test/check.h"
#include "test/networks.h"

// Which implementations oneDNN picks for whole networks: its reference and GEMM paths are many times slower
// than the others, and it falls back to them silently.
using namespace thaw;

namespace {

class ZeroBatches : public BatchSource {
 public:
  explicit ZeroBatches(const Extent& extent) : extent_(extent) {}
  std::size_t rows() const override { return 8; }
  Extent extent() const override { return extent_; }
  void fill(const BatchRequest&, std::span<float> images, std::span<float>) override {
    for (float& pixel : images) pixel = 0.5f;
  }

 private:
  Extent extent_;
};

/** What oneDNN says on standard output while `work` runs. */
template <typename Work>
std::string verboseOf(const Work& work) {
  std::string path = (std::filesystem::temp_directory_path() / "thaw-onednn-XXXXXX").string();
  const int file = mkstemp(path.data()), before = dup(STDOUT_FILENO);
  std::fflush(stdout);
  dup2(file, STDOUT_FILENO);
  dnnl_set_verbose(1);
  work();
  dnnl_set_verbose(0);
  std::fflush(stdout);
  dup2(before, STDOUT_FILENO);
  close(before);
  close(file);
  std::ifstream said(path);
  std::stringstream text;
  text << said.rdbuf();
  unlink(path.c_str());
  return text.str();
}

/** Executed implementations of convolutions and products, with how often they ran. */
std::map<std::string, int> implementations(const std::string& verbose) {
  std::map<std::string, int> found;
  std::istringstream lines(verbose);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t start = line.find(",exec,");
    if (start == std::string::npos) continue;
    std::istringstream fields(line.substr(start + 6));
    std::string device, primitive, implementation;
    std::getline(fields, device, ',');
    std::getline(fields, primitive, ',');
    std::getline(fields, implementation, ',');
    if (primitive == "convolution" || primitive == "matmul") found[primitive + " " + implementation]++;
  }
  return found;
}

void trainOnce(Graph graph, Precision precision, std::size_t batch) {
  const Extent extent = graph.inputExtent;
  NetworkOptions options;
  options.graph = std::move(graph);
  options.batch = batch;
  Network network(std::move(options), makeCpuBackend({precision, 2, true}));
  for (std::size_t parameter = 0; parameter < network.graph().graph.parameters.size(); parameter++)
    network.load(parameter, test::hashWeights(network.graph().graph.parameters[parameter], parameter, 1));
  ZeroBatches source(extent);
  const std::vector<std::uint32_t> order(batch, 0), trained = {63};
  const std::vector<float> targets(source.rows() * network.outputs(), 1.0f), rates(6, 0.0f);
  TrainRequest request;
  request.order = order;
  request.targets = targets;
  request.learningRates = rates;
  request.trainedStages = trained;
  network.train(source, request, {});
  std::vector<float> logits(order.size() * network.outputs());
  network.infer(source, order, {}, logits);
}

void expectFast(Precision precision) {
  const bool bf16 = precision == Precision::bf16;
  if (dnnl::get_effective_cpu_isa() < (bf16 ? dnnl::cpu_isa::avx512_core_bf16 : dnnl::cpu_isa::avx512_core)) {
    std::printf("  skipped: oneDNN has no kernels of its own for all of these shapes on this processor\n");
    return;
  }
  for (const char* net : {"densenet121", "resnet50"})
    for (const std::size_t channels : {1, 3})
      // A full batch, and the short last one of an epoch.
      for (const std::size_t batch : {8, 3}) {
        const Extent input = {channels, 64, 64, false};
        const std::string verbose = verboseOf([&] {
          trainOnce(net[0] == 'r' ? test::resnet({input}) : test::densenet({input}), precision, batch);
        });
        const auto found = implementations(verbose);
        int convolutions = 0;
        for (const auto& [name, count] : found) {
          const bool slow = name.find("ref") != std::string::npos || name.find("gemm:") != std::string::npos;
          check::report(!slow, __FILE__, __LINE__, std::string(net) + " runs " + name);
          if (name.find("convolution") == 0) convolutions += count;
        }
        CHECK(convolutions > 150);
      }
}

}  // namespace

TEST("no primitive of DenseNet-121 and ResNet-50 falls back to ref or gemm in fp32") {
  expectFast(Precision::fp32);
}

TEST("nor in bf16") {
  try {
    expectFast(Precision::bf16);
  } catch (const EngineError& error) {
    std::printf("  skipped: %s\n", error.what());
  }
}
