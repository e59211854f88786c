#include "store/matrix_file.h"

#include <unistd.h>

#include <cstdio>
#include <vector>

#include "engine/error.h"
#include "test/check.h"

using namespace thaw;

namespace {

/** A file that is gone with the object. */
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::vector<float>& values)
      : path("matrix_test_" + std::to_string(getpid()) + ".bin") {
    std::FILE* file = std::fopen(path.c_str(), "wb");
    std::fwrite(values.data(), sizeof(float), values.size(), file);
    std::fclose(file);
  }
  ~TemporaryFile() { std::remove(path.c_str()); }

  const std::string path;
};

}  // namespace

TEST("a file of the right size is mapped row by row") {
  const TemporaryFile file({1, 2, 3, 4, 5, 6});
  const MatrixFile matrix(file.path, 3, 2, ElementType::float32, AccessPattern::random);
  CHECK(static_cast<const float*>(matrix.view().row(2))[1] == 6);
  const MatrixFile bytes(file.path, 4, 6, ElementType::uint8, AccessPattern::sequential);
  CHECK(static_cast<const std::uint8_t*>(bytes.view().row(0))[3] == 0x3f);
}

TEST("a file of another size, a missing one and an empty matrix are refused with their path") {
  const TemporaryFile file({1, 2, 3, 4, 5, 6});
  const auto open = [](const std::string& path, std::size_t rows) {
    const MatrixFile matrix(path, rows, 2, ElementType::float32, AccessPattern::random);
  };
  CHECK_MESSAGE("expected 32 bytes (4 rows x 2 columns x 4 bytes) but received 24.", open(file.path, 4));
  CHECK_MESSAGE("cannot open the file: No such file or directory.", open("no-such-file", 4));
  CHECK_MESSAGE("expected a matrix of at least one element but received 0 x 2.", open(file.path, 0));
  try {
    open("no-such-file", 4);
  } catch (const EngineError& error) {
    CHECK(error.code == ErrorCode::store && error.node == "no-such-file");
  }
}

TEST("rows of several files follow each other") {
  const TemporaryFile file({1, 2, 3, 4, 5, 6});
  const MatrixStack two({file.path, file.path}, 3, 2, ElementType::float32, AccessPattern::random);
  CHECK(two.view().rows == 6 && two.view().columns == 2);
  CHECK(static_cast<const float*>(two.view().row(2))[1] == 6);
  CHECK(static_cast<const float*>(two.view().row(3))[0] == 1);
  CHECK(static_cast<const float*>(two.view().row(5))[0] == 5);
  const MatrixStack one({file.path}, 3, 2, ElementType::float32, AccessPattern::random);
  CHECK(one.view().rows == 3 && static_cast<const float*>(one.view().row(1))[0] == 3);
}
