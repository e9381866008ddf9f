"""The annotation page's server: a folder of pictures, edited by one person in a browser."""
