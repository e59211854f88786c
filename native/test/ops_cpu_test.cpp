#include <cstdio>

#include "engine/error.h"
#include "test/check.h"
#include "test/op_cases.h"

using namespace thaw;

namespace {

void compare(const CpuOptions& options, double tolerance) {
  const auto backend = makeCpuBackend(options);
  const test::Deviation deviation = test::compareBackends(*backend, tolerance, options.precision);
  std::printf("  largest deviation %.2e in %s\n", deviation.size, deviation.where.c_str());
}

}  // namespace

TEST("fp32 kernels agree with the reference to 1e-5") {
  compare({Precision::fp32, 2, false}, 1e-5);
}

TEST("with Winograd too") {
  compare({Precision::fp32, 2, true}, 1e-5);
}

TEST("and on one thread") {
  compare({Precision::fp32, 1, true}, 1e-5);
}

TEST("bf16 kernels agree with the reference to 2e-2") {
  try {
    makeCpuBackend({Precision::bf16, 2, true});
  } catch (const EngineError& error) {
    std::printf("  skipped: %s\n", error.what());
    return;
  }
  compare({Precision::bf16, 2, true}, 2e-2);
}
