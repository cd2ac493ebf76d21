// Work.h - how many operations a kernel's formula needs, counted from its text.
//
// The field counts attention as 4 B H M N D: two products of 2 operations a term. Here every `dot`
// of the text counts 2 times its terms, which gives the same, and the rest counts nothing. Where
// scores are masked (`where(cond, s, -inf)`), terms count that the mask lets through: the share is
// found by asking the condition at evenly spread points, with the inputs of the run, and a share
// within 0.005 of one half is one half, since the field halves causal attention.
#pragma once
#include "dsl/Kernel.h"
#include "tools/fc-run/Session.h"

namespace fc::bench {

struct Work {
  double flops = 0; ///< needed
  double dense = 0; ///< as if nothing was masked
  double share() const { return dense > 0 ? flops / dense : 1; }
  /// Why the mask was not counted: it reads what is computed, say. Empty: it was, or there is none.
  std::string note;
};

/// What a launch is given, as far as counting asks.
struct Given {
  const std::map<std::string, int64_t> &dims;
  const std::map<std::string, rt::Value> &scalars;
  const std::map<std::string, run::HostTensor> &inputs;
};
Work workOf(const dsl::Kernel &kernel, const Given &given);
/// Of the kernels of the session, as `program` has them.
Work workOf(const dsl::Program &program, const run::Session &session);

} // namespace fc::bench
