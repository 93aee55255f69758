"""Tokens to money: prices, budgets, reserve and settle, the ledger, reports."""
