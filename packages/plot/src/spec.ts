/** @file What a plot is: plain data (objects, arrays, strings, numbers, null) that survives JSON; every rendering draws from it alone. */

/** null is a gap: a value that is missing, not finite, or cannot stand on a logarithmic axis. */
export type Value = number | null;

/** What all plots have. */
interface Common {
  readonly title: string;
  /** What the picture leaves out, in words; drawn below it. */
  readonly notes: readonly string[];
}

export interface AxisSpec {
  readonly label: string;
  readonly log: boolean;
}

export interface SeriesSpec {
  readonly name: string;
  /** Which colour of the palette. */
  readonly color: number;
  readonly x: readonly number[];
  readonly y: readonly Value[];
  readonly axis: "left" | "right";
  /** A faint line is the raw one behind a smoothed one, and has no place in the legend. */
  readonly style: "line" | "faint" | "dashed";
}

/** A vertical line, such as the end of an epoch. */
export interface MarkSpec {
  readonly at: number;
  readonly label: string;
}

export interface LinesSpec extends Common {
  readonly kind: "lines";
  readonly x: AxisSpec;
  readonly left: AxisSpec;
  /** null where no series stands on it. */
  readonly right: AxisSpec | null;
  readonly series: readonly SeriesSpec[];
  readonly marks: readonly MarkSpec[];
}

export interface GroupSpec {
  readonly name: string;
  readonly color: number;
  readonly x: readonly number[];
  readonly y: readonly number[];
  /** What each point is called; null where points have no names. */
  readonly names: readonly string[] | null;
}

export interface ScatterSpec extends Common {
  readonly kind: "scatter";
  readonly x: AxisSpec;
  readonly y: AxisSpec;
  readonly groups: readonly GroupSpec[];
}

export interface BarsSpec extends Common {
  readonly kind: "bars";
  readonly label: string;
  readonly names: readonly string[];
  readonly values: readonly Value[];
  /** Values are shares: 1 is written 100 %, and the axis ends there. */
  readonly percent: boolean;
}

export interface HistogramSpec extends Common {
  readonly kind: "histogram";
  readonly label: string;
  /** One more than `counts`, ascending. A bin holds its left edge; the last one its right edge too. */
  readonly edges: readonly number[];
  readonly counts: readonly number[];
}

export type RampName = "sequential" | "diverging" | "gray";

export interface HeatmapSpec extends Common {
  readonly kind: "heatmap";
  readonly x: string;
  readonly y: string;
  readonly rows: number;
  readonly columns: number;
  /** Row-major. */
  readonly values: readonly Value[];
  readonly rowNames: readonly string[] | null;
  readonly columnNames: readonly string[] | null;
  readonly ramp: RampName;
  readonly low: number;
  readonly high: number;
  /** Write the numbers into the cells, where they fit. */
  readonly numbers: boolean;
}

export interface ConfusionSpec extends Common {
  readonly kind: "confusion";
  readonly names: readonly string[];
  /** counts[truth][predicted] */
  readonly counts: readonly (readonly number[])[];
  /** Say the accuracy below. */
  readonly accuracy: boolean;
}

export interface TileSpec {
  readonly width: number;
  readonly height: number;
  /** 1: levels of the ramp; 3: red, green, blue. */
  readonly channels: 1 | 3;
  /** 0 to 255, row-major [height, width, channels]. */
  readonly levels: readonly number[];
  readonly label: string;
}

export interface ImagesSpec extends Common {
  readonly kind: "images";
  readonly tiles: readonly TileSpec[];
  readonly columns: number;
  readonly ramp: RampName;
  /** The values of levels 0 and 255; shown by a colour bar where the ramp is not gray. */
  readonly low: number;
  readonly high: number;
}

export interface NodeSpec {
  readonly name: string;
  /** The module with its settings: `Conv2d(1, 16, 5)`. */
  readonly module: string;
  /** The shape that comes out; empty where it is not known. */
  readonly shape: readonly number[] | null;
  readonly parameters: number;
  /** Nodes whose results this one reads. */
  readonly reads: readonly number[];
}

export interface GraphSpec extends Common {
  readonly kind: "graph";
  readonly input: readonly number[] | null;
  readonly nodes: readonly NodeSpec[];
}

export type PlotSpec = LinesSpec | ScatterSpec | BarsSpec | HistogramSpec | HeatmapSpec | ConfusionSpec | ImagesSpec | GraphSpec;
