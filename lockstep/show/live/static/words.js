// Numbers and states in words that fit.

/** 950, 12.3k, 4.56M: at most five characters. */
export function compact(number) {
  for (const [unit, size] of [["M", 1e6], ["k", 1e3]]) {
    if (Math.abs(number) >= size) {
      const scaled = number / size;
      return scaled.toFixed(scaled < 10 ? 2 : scaled < 100 ? 1 : 0).replace(/\.0+$/, "") + unit;
    }
  }
  return String(Math.round(number));
}

/** A measured value with three digits that mean something. */
export function value(number) {
  if (number === null || number === undefined) return "–";
  const size = Math.abs(number);
  if (size >= 10000) return compact(number);
  if (size >= 100) return number.toFixed(0);
  if (size >= 10) return number.toFixed(1);
  if (size >= 0.01 || size === 0) return number.toFixed(size < 1 ? 3 : 2);
  return number.toExponential(1);
}

/** 45 s, 2 min 41 s, 3 h 05 min. */
export function duration(seconds) {
  const whole = Math.floor(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min ${String(whole % 60).padStart(2, "0")} s`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
}

export const STANDINGS = {
  running: "training",
  finished: "finished",
  solved: "solved",
  interrupted: "interrupted; lockstep resume goes on",
  failed: "failed",
  died: "its process is gone; lockstep resume goes on",
  unknown: "no word about how it stands",
  gone: "its folder is gone",
  lost: "connection lost, trying again",
};
