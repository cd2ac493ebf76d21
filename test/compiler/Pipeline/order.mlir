// RUN: %fc-opt %s --fc-pipeline --dump-pass-pipeline 2>&1 | FileCheck %s
// RUN: %fc-opt %s --fc-pipeline="stop-after=online" --dump-pass-pipeline 2>&1 | FileCheck %s --check-prefix=STOP

// The order of the passes, so that a change of it shows in review.

// CHECK: builtin.module(
// CHECK: canonicalize{
// CHECK: cse
// CHECK: fc-verify-stage{stage=import}
// CHECK: fc.kernel(
// CHECK: fc-fuse-online-softmax
// CHECK: canonicalize{
// CHECK: cse
// CHECK: fc-drop-excluded
// CHECK: fc-verify-stage{stage=online}
// CHECK: fc-choose-schedule{
// CHECK: fc-tile
// CHECK: canonicalize{
// CHECK: cse
// CHECK: fc-verify-stage{stage=tile}
// CHECK: fc-assign-places
// CHECK: fc-verify-stage{stage=place}
// CHECK: fc-stage-copies
// CHECK: fc-allocate-shared{
// CHECK: fc-verify-stage{stage=async}
// CHECK: fc-lower-to-threads
// CHECK: fc-verify-stage{stage=thread}

// STOP: fc-verify-stage{stage=online}
// STOP-NOT: fc-
