"""The steps around every route, one module for each; `order.py` lists the steps in order."""
