# A folder that gets into the place of another by moves that stand being repeated. What a move does is done alike by
# features/backups/volume/exchange.py on the panel's own machine.
package Headway::Exchange;

use strict;

my %MOVES = (
    begin    => \&begin,
    exchange => \&exchange,
    settle   => \&settle,
    put_back => \&put_back,
    clear    => \&clear,
    look     => sub { },
);

# Makes a move while the epoch is held still: whoever takes the run over waits for its end, and of a run that was taken
# over nothing moves. Answers whether the old folder is out of its place, and wanted still.
sub turn {
    my ( $file, $epoch, $move, $place, $mark ) = @_;
    my ( $held, $current ) = Headway::Runs::hold($file) or return ['busy'];
    return [ 'passed', $current ] if $current > $epoch;
    my %names = ( place => $place, map { ( $_ => "$place.$_-$mark" ) } qw(new old gone) );
    my $done  = eval { $MOVES{$move}->( \%names ); 1 };
    my $error = $@;
    Headway::Runs::release($held);
    die $error if !$done;
    return [ 'ok', -e $names{old} ? 1 : 0 ];
}

sub begin {
    my ($names) = @_;
    Headway::Files::remove_tree( $names->{new} );
    mkdir $names->{new}, 0700 or Headway::Files::fail();
    return;
}

sub exchange {
    my ($names) = @_;
    if ( !-e $names->{old} && -e $names->{new} ) {
        mkdir $names->{place}, 0700 if !-e $names->{place};    # an application that has kept nothing yet
        swap( $names, place => 'old' );
    }
    swap( $names, new => 'place' ) if -e $names->{new};
    return;
}

sub settle {
    my ($names) = @_;
    swap( $names, old => 'gone' ) if -e $names->{old};
    return;
}

sub put_back {
    my ($names) = @_;
    return if !-e $names->{old};
    if ( -e $names->{place} ) {
        Headway::Files::remove_tree( $names->{gone} );
        swap( $names, place => 'gone' );
    }
    swap( $names, old => 'place' );
    return;
}

sub clear {
    my ($names) = @_;
    Headway::Files::remove_tree( $names->{$_} ) for qw(new gone);
    return;
}

sub swap {
    my ( $names, $from, $to ) = @_;
    rename $names->{$from}, $names->{$to} or Headway::Files::fail();
    my ($above) = $names->{place} =~ m{^(.*)/};
    Headway::Kernel::sync_folder($above);
    return;
}

1;
