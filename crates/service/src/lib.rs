//! The rules of the product: commands, writer, fan-out, receipts, sync, accounts.
