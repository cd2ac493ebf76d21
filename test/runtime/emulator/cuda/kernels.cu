// kernels.cu - small CUDA kernels of everyday kinds. nvcc -ptx -arch=sm_80 makes kernels.ptx of them,
// which the emulator has to run: PTX that our compiler did not write.
#include <cuda_fp16.h>
#include <stdint.h>

extern "C" __global__ void saxpy(float *y, const float *x, float a, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n)
    y[i] = a * x[i] + y[i];
}

// One block: tree reduction through shared memory, then shuffles. sum_racy lacks a barrier.
template <bool Safe> __device__ void blockSum(float *o, const float *x, int n) {
  __shared__ float part[256];
  float sum = 0;
  for (int i = threadIdx.x; i < n; i += blockDim.x)
    sum += x[i];
  part[threadIdx.x] = sum;
  for (int half = blockDim.x / 2; half >= 32; half /= 2) {
    if (Safe || half != 64)
      __syncthreads();
    if (threadIdx.x < half)
      part[threadIdx.x] += part[threadIdx.x + half];
  }
  if (threadIdx.x < 32) {
    sum = part[threadIdx.x];
    for (int d = 16; d; d /= 2)
      sum += __shfl_down_sync(~0u, sum, d);
    if (threadIdx.x == 0)
      *o = sum;
  }
}
extern "C" __global__ void sum(float *o, const float *x, int n) { blockSum<true>(o, x, n); }
extern "C" __global__ void sum_racy(float *o, const float *x, int n) { blockSum<false>(o, x, n); }

extern "C" __global__ void transpose(float *o, const float *x, int n) {
  __shared__ float tile[32][33];
  int cx = blockIdx.x * 32 + threadIdx.x, cy = blockIdx.y * 32 + threadIdx.y;
  for (int r = 0; r < 32; r += 8)
    tile[threadIdx.y + r][threadIdx.x] = x[(cy + r) * n + cx];
  __syncthreads();
  cx = blockIdx.y * 32 + threadIdx.x;
  cy = blockIdx.x * 32 + threadIdx.y;
  for (int r = 0; r < 32; r += 8)
    o[(cy + r) * n + cx] = tile[threadIdx.x][threadIdx.y + r];
}

extern "C" __global__ void histogram(unsigned *bins, const uint8_t *x, int n) {
  __shared__ unsigned mine[64];
  for (int i = threadIdx.x; i < 64; i += blockDim.x)
    mine[i] = 0;
  __syncthreads();
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x)
    atomicAdd(&mine[x[i] & 63], 1u);
  __syncthreads();
  for (int i = threadIdx.x; i < 64; i += blockDim.x)
    atomicAdd(&bins[i], mine[i]);
}

extern "C" __global__ void softmax(float *o, const float *x, int n) {
  const float *row = x + blockIdx.x * n;
  float most = -INFINITY, total = 0;
  for (int i = threadIdx.x; i < n; i += 32)
    most = fmaxf(most, row[i]);
  for (int d = 16; d; d /= 2)
    most = fmaxf(most, __shfl_xor_sync(~0u, most, d));
  for (int i = threadIdx.x; i < n; i += 32)
    total += expf(row[i] - most);
  for (int d = 16; d; d /= 2)
    total += __shfl_xor_sync(~0u, total, d);
  for (int i = threadIdx.x; i < n; i += 32)
    o[blockIdx.x * n + i] = expf(row[i] - most) / total;
}

extern "C" __global__ void scan(int *o, const int *x, int n) {
  __shared__ int warps[32];
  int i = threadIdx.x, lane = i & 31, value = i < n ? x[i] : 0;
  for (int d = 1; d < 32; d *= 2) {
    int up = __shfl_up_sync(~0u, value, d);
    if (lane >= d)
      value += up;
  }
  if (lane == 31)
    warps[i / 32] = value;
  __syncthreads();
  if (i < 32) {
    int w = i < blockDim.x / 32 ? warps[i] : 0;
    for (int d = 1; d < 32; d *= 2) {
      int up = __shfl_up_sync(~0u, w, d);
      if (lane >= d)
        w += up;
    }
    warps[i] = w;
  }
  __syncthreads();
  if (i >= 32)
    value += warps[i / 32 - 1];
  if (i < n)
    o[i] = value;
}

extern "C" __global__ void matmul(__half *c, const __half *a, const __half *b, int n) {
  __shared__ __half sa[16][16], sb[16][16];
  int x = threadIdx.x, y = threadIdx.y, row = blockIdx.y * 16 + y, column = blockIdx.x * 16 + x;
  float sum = 0;
  for (int k = 0; k < n; k += 16) {
    sa[y][x] = a[row * n + k + x];
    sb[y][x] = b[(k + y) * n + column];
    __syncthreads();
    for (int i = 0; i < 16; ++i)
      sum += __half2float(sa[y][i]) * __half2float(sb[i][x]);
    __syncthreads();
  }
  c[row * n + column] = __float2half(sum);
}

extern "C" __global__ void bitonic(int *x) {
  __shared__ int s[256];
  int i = threadIdx.x;
  s[i] = x[i];
  for (int k = 2; k <= 256; k *= 2)
    for (int j = k / 2; j > 0; j /= 2) {
      __syncthreads();
      int other = i ^ j;
      if (other > i) {
        bool up = (i & k) == 0;
        int a = s[i], b = s[other];
        if ((a > b) == up) {
          s[i] = b;
          s[other] = a;
        }
      }
    }
  __syncthreads();
  x[i] = s[i];
}

extern "C" __global__ void collatz(unsigned *steps, int n) { // lanes that leave their loop at all times
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n)
    return;
  unsigned long long v = i + 1;
  unsigned count = 0;
  while (v != 1) {
    v = v & 1 ? 3 * v + 1 : v / 2;
    ++count;
  }
  steps[i] = count;
}

extern "C" __global__ void polynomial(double *o, const double *x, int n) { // a switch and a local array
  int i = threadIdx.x;
  double coefficient[8];
  for (int k = 0; k < 8; ++k)
    coefficient[k] = sin(double(k)) + 1.0 / (k + 1);
  double sum = 0, power = 1;
  for (int k = 0; k < n; ++k) {
    sum += coefficient[(k * 5 + i) & 7] * power;
    power *= x[i];
  }
  switch (i & 3) {
  case 0: sum = sqrt(fabs(sum)); break;
  case 1: sum = -sum; break;
  case 2: sum = sum * sum; break;
  }
  o[i] = sum;
}
