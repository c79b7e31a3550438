"""The lab's client. Each wait and each call has a deadline, and each error contains the cause."""
