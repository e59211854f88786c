#pragma once

#include <stdexcept>
#include <string>
#include <utility>

namespace thaw {

/** Kinds of fault, by name in `src/base/errors.ts`. In a head bank a loss that is not finite is no exception
 * but a head's `failedStep`. */
enum class ErrorCode { engine, store, busy, aborted, nonFinite };

/** The one exception of the engine: what was expected, what came, and `node`, where (an option, a file), or
 * empty. */
class EngineError : public std::runtime_error {
 public:
  EngineError(ErrorCode code, const std::string& message, std::string node = "")
      : std::runtime_error(message), code(code), node(std::move(node)) {}

  const ErrorCode code;
  const std::string node;
};

}  // namespace thaw
