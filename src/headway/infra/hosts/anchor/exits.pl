# How commands ended: one file per name, written beside its name, put on the disk and renamed into place. On a full disk
# the room of a ballast file is used, and failing that the record stays in memory and is tried again.
package Headway::Exits;

use strict;

my $BALLAST = 64 << 10;

sub new {
    my ($class) = @_;
    mkdir 'exits' or die "cannot make the folder of exits: $!\n";
    my $self = bless { unwritten => {}, tried_at => 0 }, $class;
    return $self;
}

# Puts room aside while there is some; called when the first command starts, where its time is hidden.
sub lay_ballast {
    open my $handle, '>', 'ballast' or return;
    Headway::Spool::write_all( $handle, "\0" x $BALLAST );
    close $handle;
    return;
}

# The disk is full, and what is over has to be told nevertheless.
sub give_up_ballast {
    unlink 'ballast';
    return;
}

sub has {
    my ( $self, $name ) = @_;
    return defined $self->{unwritten}{$name} || -e path($name);
}

sub get {
    my ( $self, $name ) = @_;
    return $self->{unwritten}{$name} // Headway::Cgroups::slurp( path($name) );
}

sub put {
    my ( $self, $name, $record ) = @_;
    return if write_record( $name, $record );
    give_up_ballast();
    return if write_record( $name, $record );
    $self->{unwritten}{$name} = $record;
    return;
}

# Tries again what could not be written, at most twice a second.
sub retry {
    my ( $self, $now ) = @_;
    return if !%{ $self->{unwritten} } || $now - $self->{tried_at} < 0.5;
    $self->{tried_at} = $now;
    for my $name ( keys %{ $self->{unwritten} } ) {
        delete $self->{unwritten}{$name} if write_record( $name, $self->{unwritten}{$name} );
    }
    return;
}

sub write_record {
    my ( $name, $record ) = @_;
    my $path = path($name);
    open my $handle, '>', 'exit.new' or return 0;
    my $whole = Headway::Spool::write_all( $handle, $record ) == length $record && Headway::Kernel::sync_file($handle);
    close $handle;
    if ( !$whole || !rename 'exit.new', $path ) {
        unlink 'exit.new';
        return 0;
    }
    Headway::Kernel::sync_folder('exits');
    return 1;
}

# A name as a file's: whatever is not plain is written as its number.
sub path {
    my ($name) = @_;
    $name =~ s/([^A-Za-z0-9_-])/sprintf '%%%02X', ord $1/ge;
    return "exits/$name.exit";
}

1;
