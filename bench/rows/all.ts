// Every row, in the order of the table.
import type { Row } from '../row.ts';
import { changePushHello, changePushLarge } from './change-push.ts';
import { assets, binary, smallFiles, sparse } from './layouts.ts';
import { noOpHello, noOpLarge } from './no-op-go.ts';
import { noOpTenThousand, noOpThousand } from './no-op-targets.ts';
import { pushLayer } from './push-layer.ts';
import { pushNoOp } from './push-no-op.ts';

export const ROWS: readonly Row[] = [
  noOpHello,
  noOpLarge,
  noOpThousand,
  noOpTenThousand,
  changePushHello,
  changePushLarge,
  binary,
  assets,
  smallFiles,
  pushLayer,
  pushNoOp,
  sparse,
];
