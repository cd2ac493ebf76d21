// LaunchCheck.h - the checks of one launch against its manifest, and its layout. Used by Launch
// alone.
#pragma once
#include "runtime/Runtime.h"

namespace fc::rt {

/// Goes through a launch's arguments once, in the order of its functions; each needs the ones
/// before it. What a caller reads of a refusal is: the parameter, what the kernel asks for, what
/// was given.
class LaunchCheck : public Environment {
public:
  LaunchCheck(const Launch &launch, Error &error);

  /// Gives every dimension its value, from the shapes of the tensors given. With `partial`, a
  /// dimension that nothing binds is left without.
  bool bindDims(bool partial);
  /// Every extent of every tensor given is what its expression says.
  bool checkShapes();
  bool checkPresence();
  bool checkStrides();
  bool bindScalars();
  bool checkFacts();
  bool checkOverlaps();
  /// No output has an element: there is nothing to do.
  bool nothingToDo() const;
  /// Picks the variant and lays out its entries.
  bool layOut(LaunchPlan &plan);

  /// Where the memory of a parameter begins: a buffer of the plan and an offset in it.
  struct Home {
    size_t buffer;
    uint64_t offset;
  };
  /// After layOut, by parameter; nothing for what has no memory.
  const std::vector<std::optional<Home>> &layout() const { return homes; }

  std::optional<int64_t> dim(size_t index) const { return dims[index]; }
  std::optional<std::vector<int64_t>> shapeOf(size_t param);

  // Environment
  std::optional<Value> value(std::string_view name) const override;
  std::optional<int64_t> stride(std::string_view tensor, int64_t dim) const override;
  std::optional<bool> aligned(std::string_view tensor, int64_t bytes) const override;
  std::optional<int64_t> sms() const override;

private:
  /// A tensor that is there: strides filled in, those of optional extents set to 0.
  struct Placed {
    bool present = false; ///< its pointer is not null
    std::vector<int64_t> shape, strides;
    std::optional<std::vector<int64_t>> expected; ///< what the expressions of its shape say
    uint64_t address = 0;
    int64_t elements = 0; ///< 0: nothing to read or write
    size_t bytes = 0;     ///< from the first byte to one past the last
  };

  bool refuse(std::string message);
  std::string kernelName() const;
  std::optional<int64_t> dimFrom(size_t dim, size_t param) const;
  bool setDim(size_t dim, int64_t value, std::optional<size_t> origin);
  std::string originOf(size_t dim) const;
  /// The value of an expression; `what()` names it in a refusal, so that no text is made where
  /// there is none.
  template <class What> std::optional<int64_t> integerOf(const Expr &expr, What what) {
    std::string reason;
    const auto result = evaluate(expr, *this, reason);
    if (result && result->isInt())
      return result->integer;
    refuseValue(what(), expr, result, reason, "an integer");
    return std::nullopt;
  }
  template <class What> std::optional<bool> boolOf(const Expr &expr, What what) {
    std::string reason;
    const auto result = evaluate(expr, *this, reason);
    if (result && result->isBool())
      return result->integer != 0;
    refuseValue(what(), expr, result, reason, "a bool");
    return std::nullopt;
  }
  bool refuseValue(const std::string &what, const Expr &expr, const std::optional<Value> &result,
                   const std::string &reason, std::string_view wanted);
  bool place(size_t param);
  std::string valuesIn(const Expr &expr) const;
  bool layOutEntry(const LaunchSpec &spec, LaunchPlan &plan);
  bool layOutArgs(const LaunchSpec &spec, EntryLaunch &entry);
  bool layOutTensorMap(const TensorMapSpec &map, uint32_t offset, EntryLaunch &entry);
  bool makeBuffers(LaunchPlan &plan);
  const Variant *chooseVariant();

  const Launch &launch;
  const KernelSpec &spec;
  Error &error;
  std::vector<std::optional<int64_t>> dims;
  std::vector<std::optional<size_t>> dimOrigins; ///< the tensor that told it; empty: it was given
  std::vector<std::optional<Value>> scalars;
  std::vector<Placed> placed;
  std::vector<std::optional<Home>> homes;
  size_t firstWorkspace = 0;
};

} // namespace fc::rt
