#include "store/matrix_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <limits>

#include "engine/error.h"

namespace thaw {
namespace {

class Descriptor {
 public:
  explicit Descriptor(const std::string& path) : value(open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~Descriptor() {
    if (value >= 0) close(value);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  const int value;
};

[[noreturn]] void failed(const std::string& path, const std::string& what) {
  throw EngineError(ErrorCode::store, what + ": " + std::strerror(errno) + ".", path);
}

std::size_t sizeOf(const std::string& path, std::size_t rows, std::size_t columns, ElementType type) {
  const std::size_t row = columns * bytesOf(type);
  if (rows == 0 || columns == 0 || rows > std::numeric_limits<std::size_t>::max() / row)
    throw EngineError(ErrorCode::store,
                      "expected a matrix of at least one element but received " + std::to_string(rows) +
                          " x " + std::to_string(columns) + ".",
                      path);
  return rows * row;
}

}  // namespace

MatrixFile::MatrixFile(const std::string& path, std::size_t rows, std::size_t columns, ElementType type,
                       AccessPattern access)
    : view_{nullptr, rows, columns, type}, bytes_(sizeOf(path, rows, columns, type)) {
  const Descriptor file(path);
  if (file.value < 0) failed(path, "cannot open the file");
  struct stat status = {};
  if (fstat(file.value, &status) != 0) failed(path, "cannot read the size of the file");
  if (static_cast<std::size_t>(status.st_size) != bytes_)
    throw EngineError(ErrorCode::store,
                      "expected " + std::to_string(bytes_) + " bytes (" + std::to_string(rows) + " rows x " +
                          std::to_string(columns) + " columns x " + std::to_string(bytesOf(type)) +
                          " bytes) but received " + std::to_string(status.st_size) + ".",
                      path);
  void* data = mmap(nullptr, bytes_, PROT_READ, MAP_SHARED, file.value, 0);
  if (data == MAP_FAILED) failed(path, "cannot map the file into memory");
  madvise(data, bytes_, access == AccessPattern::sequential ? MADV_SEQUENTIAL : MADV_WILLNEED);
  view_.data = data;
}

MatrixFile::~MatrixFile() {
  munmap(const_cast<void*>(view_.data), bytes_);
}

MatrixStack::MatrixStack(const std::vector<std::string>& paths, std::size_t rows, std::size_t columns,
                         ElementType type, AccessPattern access) {
  for (const std::string& path : paths) {
    files_.push_back(std::make_unique<MatrixFile>(path, rows, columns, type, access));
    pieces_.push_back(files_.back()->view().data);
  }
}

MatrixView MatrixStack::view() const {
  MatrixView view = files_.front()->view();
  if (files_.size() == 1) return view;
  view.pieces = pieces_.data();
  view.rowsOfPiece = view.rows;
  view.rows *= files_.size();
  return view;
}

}  // namespace thaw
