// flash.cu - an attention kernel as FlashAttention-2 does it, by hand: cp.async in two stages, ldmatrix,
// mma.sync, online softmax. Compiled to flash.ptx by nvcc -ptx -arch=sm_80; the emulator runs that.
// D = 64, 64 rows a CTA of 4 warps, 64 keys a tile; lengths are multiples of 64.
#include <cuda_fp16.h>
#include <stdint.h>

constexpr int D = 64, BM = 64, BN = 64;

__device__ __forceinline__ uint32_t sharedAddress(const void *p) {
  return (uint32_t)__cvta_generic_to_shared(p);
}
// 16-byte chunk c of row r of a tile with 128-byte rows, swizzled.
__device__ __forceinline__ int chunk(int r, int c) { return r * 128 + ((c ^ (r & 7)) << 4); }

__device__ __forceinline__ void copyTile(uint32_t to, const __half *from) {
  for (int i = threadIdx.x; i < 64 * 8; i += 128) {
    int r = i >> 3, c = i & 7;
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(to + chunk(r, c)),
                 "l"(from + r * D + c * 8) : "memory");
  }
}
__device__ __forceinline__ void commit() { asm volatile("cp.async.commit_group;" ::: "memory"); }
__device__ __forceinline__ void load4(uint32_t (&r)[4], uint32_t address) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(address) : "memory");
}
__device__ __forceinline__ void load4t(uint32_t (&r)[4], uint32_t address) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(address) : "memory");
}
__device__ __forceinline__ void mma(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, "
               "{%8,%9}, {%0,%1,%2,%3};"
               : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

extern "C" __global__ void __launch_bounds__(128) flash(const __half *q, const __half *k, const __half *v,
                                                        __half *o, int m, int n, float scaleLog2e) {
  extern __shared__ __align__(16) uint8_t shared[];
  uint32_t sq = sharedAddress(shared), sk = sq + BM * 128, sv = sk + 2 * BN * 128;
  int warp = threadIdx.x >> 5, lane = threadIdx.x & 31, head = blockIdx.y;
  q += ((size_t)head * m + blockIdx.x * BM) * D;
  o += ((size_t)head * m + blockIdx.x * BM) * D;
  k += (size_t)head * n * D;
  v += (size_t)head * n * D;
  copyTile(sq, q);
  commit();
  copyTile(sk, k);
  copyTile(sv, v);
  commit();
  asm volatile("cp.async.wait_group 1;" ::: "memory");
  __syncthreads();
  uint32_t a[D / 16][4];
  for (int s = 0; s < D / 16; ++s)
    load4(a[s], sq + chunk(warp * 16 + (lane & 15), 2 * s + (lane >> 4)));
  float acc[D / 8][4] = {}, rowMax[2] = {-INFINITY, -INFINITY}, rowSum[2] = {0, 0};
  for (int tile = 0; tile < n / BN; ++tile) {
    uint32_t kt = sk + (tile & 1) * BN * 128, vt = sv + (tile & 1) * BN * 128;
    asm volatile("cp.async.wait_group 0;" ::: "memory");
    __syncthreads();
    if (tile + 1 < n / BN) {
      copyTile(sk + ((tile + 1) & 1) * BN * 128, k + (size_t)(tile + 1) * BN * D);
      copyTile(sv + ((tile + 1) & 1) * BN * 128, v + (size_t)(tile + 1) * BN * D);
      commit();
    }
    float s[BN / 8][4] = {};
#pragma unroll
    for (int step = 0; step < D / 16; ++step)
#pragma unroll
      for (int j = 0; j < BN / 16; ++j) {
        uint32_t b[4];
        load4(b, kt + chunk(j * 16 + (lane & 7) + 8 * (lane >> 4), 2 * step + ((lane >> 3) & 1)));
        mma(s[2 * j], a[step], b[0], b[1]);
        mma(s[2 * j + 1], a[step], b[2], b[3]);
      }
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      float most = rowMax[half];
#pragma unroll
      for (int j = 0; j < BN / 8; ++j)
        most = fmaxf(most, fmaxf(s[j][2 * half], s[j][2 * half + 1]));
      most = fmaxf(most, __shfl_xor_sync(~0u, most, 1));
      most = fmaxf(most, __shfl_xor_sync(~0u, most, 2));
      float correction = exp2f((rowMax[half] - most) * scaleLog2e);
      rowMax[half] = most;
      float sum = 0;
#pragma unroll
      for (int j = 0; j < BN / 8; ++j)
#pragma unroll
        for (int e = 0; e < 2; ++e) {
          float p = exp2f((s[j][2 * half + e] - most) * scaleLog2e);
          s[j][2 * half + e] = p;
          sum += p;
        }
      rowSum[half] = rowSum[half] * correction + sum;
#pragma unroll
      for (int j = 0; j < D / 8; ++j) {
        acc[j][2 * half] *= correction;
        acc[j][2 * half + 1] *= correction;
      }
    }
#pragma unroll
    for (int step = 0; step < BN / 16; ++step) {
      uint32_t p[4];
#pragma unroll
      for (int r = 0; r < 4; ++r) {
        __half2 h = __floats2half2_rn(s[2 * step + (r >> 1)][2 * (r & 1)],
                                      s[2 * step + (r >> 1)][2 * (r & 1) + 1]);
        p[r] = *reinterpret_cast<uint32_t *>(&h);
      }
#pragma unroll
      for (int j = 0; j < D / 16; ++j) {
        uint32_t b[4];
        load4t(b, vt + chunk(step * 16 + (lane & 15), 2 * j + (lane >> 4)));
        mma(acc[2 * j], p, b[0], b[1]);
        mma(acc[2 * j + 1], p, b[2], b[3]);
      }
    }
  }
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    float sum = rowSum[half];
    sum += __shfl_xor_sync(~0u, sum, 1);
    sum += __shfl_xor_sync(~0u, sum, 2);
    float inverse = 1.0f / sum;
    int row = warp * 16 + (lane >> 2) + 8 * half;
#pragma unroll
    for (int j = 0; j < D / 8; ++j)
      *reinterpret_cast<__half2 *>(o + row * D + 8 * j + 2 * (lane & 3)) =
          __floats2half2_rn(acc[j][2 * half] * inverse, acc[j][2 * half + 1] * inverse);
  }
}
