/** @file The one error class of this package (it depends on no other). */

/** An error of the kernels: `code` is stable, `hint` says what to do next. */
export class KernelError extends Error {
  override readonly name: string = "KernelError";
  readonly code: string;
  readonly hint: string;

  constructor(code: string, message: string, hint: string) {
    super(hint ? `${message}; ${hint}` : message);
    this.code = code;
    this.hint = hint;
  }
}
